import { isIP } from 'node:net'
import { isLoopbackAddress, isPublicAddress } from './public-address.ts'

/** What a URL asks for, once it may be asked for at all. */
export type Target = {
  url: URL
  /** For the resolver and for SNI: no brackets, lower case, ASCII. */
  hostname: string
  /** The host is an address or `localhost`: nothing is resolved. */
  addresses: readonly string[] | null
}

export const urlLengthMax = 2_048

/** Names that no public resolver answers, or that mean something near us (RFC 6761, 6762, 8375, 9476). */
const nearNames =
  /(^|\.)(localhost|local|internal|intranet|home\.arpa|arpa|onion|alt|invalid|lan|corp|home)$/

/**
 * Ports below 1024 are other protocols, all but https. Above, those that the fetch standard blocks
 * and the well-known doors of databases and caches.
 */
const blockedPorts = new Set([
  1433, 1521, 1719, 1720, 1723, 2049, 2375, 2376, 2379, 2380, 3306, 3389, 3659, 4045, 4190, 5060,
  5061, 5432, 5900, 5984, 6000, 6379, 6443, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 9042,
  9092, 9200, 9300, 10080, 10250, 11211, 27017,
])

/**
 * Judges a URL before anything is resolved: https, a name with a dot or a public address, no
 * credentials, a port where web servers listen. `allowLoopback` also lets http and https reach
 * this machine, and only where the URL itself says so: a name that merely resolves to it does not.
 * The URL parser folds spellings (`0x7f.1`, `2130706433`, full-width digits) into one address
 * before anything here looks at it. `null`: refused.
 */
export function parseTarget(text: string, allowLoopback: boolean): Target | null {
  // The parser would drop tabs and line breaks in silence, and read a backslash as a slash.
  if (text.length > urlLengthMax || !/^[\x21-\x5b\x5d-\x7e]+$/.test(text)) return null
  const url = URL.parse(text)
  if (url === null || `${url.username}${url.password}${url.hash}` !== '') return null
  // An empty user, as in https://@host, leaves no trace in the parsed URL.
  if (/^[a-z]+:\/\/[^/?#]*@/i.test(text)) return null
  const hostname = url.hostname.replace(/^\[|\]$/g, '')
  const isAddress = isIP(hostname) !== 0

  if (allowLoopback && (hostname === 'localhost' || isLoopbackAddress(hostname)))
    return /^https?:$/.test(url.protocol)
      ? { url, hostname, addresses: isAddress ? [hostname] : ['127.0.0.1', '::1'] }
      : null

  if (url.protocol !== 'https:' || !isWebPort(url.port)) return null
  if (isAddress) return isPublicAddress(hostname) ? { url, hostname, addresses: [hostname] } : null
  const named = /^([a-z0-9_]([a-z0-9_-]*[a-z0-9_])?\.)+[a-z][a-z0-9-]*[a-z0-9]$/.test(hostname)
  if (!named || hostname.length > 253 || nearNames.test(hostname)) return null
  return { url, hostname, addresses: null }
}

function isWebPort(port: string): boolean {
  if (port === '') return true // 443
  const number = Number(port)
  return number >= 1_024 && !blockedPorts.has(number)
}
