export type ApplicationType = 'web' | 'native'

export type RedirectUriRefusal =
  | 'malformed'
  | 'too_long'
  | 'control_character'
  | 'fragment'
  | 'credentials'
  | 'wildcard'
  | 'path_traversal'
  | 'not_canonical'
  | 'plain_http'
  | 'private_scheme_needs_native'
  | 'private_scheme_needs_dot'
  | 'scheme_refused'

const loopbackHosts = new Set(['localhost', '127.0.0.1', '[::1]'])

export const isLoopback = (uri: string): boolean => {
  const url = URL.parse(uri)
  return url !== null && url.protocol === 'http:' && loopbackHosts.has(url.hostname)
}

/** The part a person can judge on the consent page: the host, or the scheme of a native app. */
export const redirectHost = (uri: string): string => {
  const url = URL.parse(uri)
  return url === null ? uri : url.host === '' ? url.protocol : url.hostname
}

/**
 * Whether a URI may be registered. Later requests are compared as plain strings (RFC 9700 section
 * 2.1), so the registered form is the canonical one; only the port of a native app's loopback
 * address may differ (RFC 8252 section 7.3). Private-use schemes need a dot (section 7.1).
 */
export function judgeRedirectUri(uri: string, type: ApplicationType): RedirectUriRefusal | null {
  if (uri.length > 2_000) return 'too_long'
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
  if (/[\u0000-\u0020\u007f-\u00a0\u2028\u2029\\]/.test(uri)) return 'control_character'
  if (uri.includes('#')) return 'fragment'
  const url = URL.parse(uri)
  if (!url) return 'malformed'
  if (url.username !== '' || url.password !== '' || /^[a-z][\w+.-]*:\/\/[^/?]*@/i.test(uri))
    return 'credentials'
  if (uri.includes('*')) return 'wildcard'
  if (/(?:[/\\]|%2f|%5c)(?:\.|%2e){1,2}(?:[/;?\\]|%2f|%5c|$)/i.test(uri.replace(/^[^:]+:\/*/, '/')))
    return 'path_traversal'
  switch (url.protocol) {
    case 'https:':
    case 'http:':
      if (url.protocol === 'http:' && !loopbackHosts.has(url.hostname)) return 'plain_http'
      if (!/^https?:\/\//.test(uri) || (url.href !== uri && url.href !== `${uri}/`))
        return 'not_canonical'
      return null
    default:
      if (
        /^(?:javascript|data|file|about|blob|vbscript|ftp|ws|wss|view-source):$/.test(url.protocol)
      )
        return 'scheme_refused'
      if (type !== 'native') return 'private_scheme_needs_native'
      if (!url.protocol.includes('.')) return 'private_scheme_needs_dot'
      return url.href === uri ? null : 'not_canonical'
  }
}
