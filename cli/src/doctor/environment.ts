import { existsSync } from 'node:fs'
import type { Context } from '../command.ts'
import { malformedProxy, proxySettings } from '../network/proxies.ts'
import type { Finding } from './finding.ts'

/** Proxies, certificates and the language: what the environment makes of every connection. */
export function examineEnvironment(
  issuers: readonly string[],
  { environment, m }: Context,
): Finding[] {
  const finding = (
    part: string,
    result: Finding['result'],
    what: string,
    next: string | null = null,
  ) => ({ side: 'client', part, result, what, next }) satisfies Finding
  const { doctor: words } = m
  const found: Finding[] = [finding('Node', 'ok', process.versions.node)]
  const proxies = proxySettings(environment)
  const malformed = malformedProxy(environment)
  if (malformed !== null)
    found.push(finding(words.proxy, 'fail', words.proxyMalformed(malformed), words.proxyNext))
  for (const issuer of malformed === null ? issuers : []) {
    const { protocol } = new URL(issuer)
    const proxy = protocol === 'https:' ? proxies.https : proxies.http
    if (proxy === undefined) continue
    if (avoidsProxy(issuer, proxies.none))
      found.push(finding(words.proxy, 'ok', words.proxyAvoided(issuer)))
    // Host and port only: proxies carry passwords.
    else found.push(finding(words.proxy, 'ok', words.proxyUsed(issuer, new URL(proxy).host)))
  }
  if (proxies.http === undefined && proxies.https === undefined)
    found.push(finding(words.proxy, 'ok', words.proxyNone))
  if (environment.NODE_TLS_REJECT_UNAUTHORIZED === '0')
    found.push(finding(words.tls, 'fail', words.tlsOff, words.tlsOffNext))
  const extra = environment.NODE_EXTRA_CA_CERTS
  if (extra && !existsSync(extra))
    found.push(finding(words.tls, 'fail', words.caMissing(extra), words.caMissingNext))
  return found
}

/** Whether NO_PROXY names the host: exactly, as a suffix, or all of them. */
export function avoidsProxy(issuer: string, none: string): boolean {
  const { hostname, host } = new URL(issuer)
  return none
    .split(/[\s,]+/)
    .filter(Boolean)
    .some((entry) => {
      const name = entry.replace(/^\*?\./, '').toLowerCase()
      return entry === '*' || name === hostname || name === host || hostname.endsWith(`.${name}`)
    })
}
