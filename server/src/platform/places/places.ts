import { readFile, stat } from 'node:fs/promises'
import { BlockList, isIPv4, isIPv6 } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Reader, Response } from 'mmdb-lib'
import { type Clock, minute } from '#platform/clock/clock.ts'
import { errorFields, type Log } from '#platform/log/log.ts'

/**
 * Where a network address is registered: a country, nowhere anybody may know (`private`: loopback,
 * home and office networks), or not known. A hint for its owner, never a ground for a decision: a
 * VPN or a telephone company moves people across borders.
 */
export type Place = { kind: 'country'; country: string } | { kind: 'private' } | { kind: 'unknown' }

export type Places = {
  /** Never fails: where the database cannot be read, every public address is unknown. */
  of(address: string): Promise<Place>
}

/** A file is looked at again after this, so that a new one is used without a restart. */
const lookAgainMs = 10 * minute

const unknown: Place = { kind: 'unknown' }

/**
 * Looks addresses up in a file of the MaxMind format, at first use and not at the start: 8 MB and
 * some 25 ms that a process without public visitors never spends. A look-up takes some 5 µs.
 * `file` null: the one that comes with Latchkey; `off`: every public address is unknown.
 */
export function openPlaces(deps: { file: string | null; clock: Clock; log: Log }): Places {
  const { clock, log } = deps
  if (deps.file === 'off')
    return { of: async (address) => (isPrivate(plain(address)) ? { kind: 'private' } : unknown) }
  const path = deps.file ?? bundledFile()
  let opened: { reader: Reader<Response> | null; modifiedAt: number } | undefined
  let lookedAt = Number.NEGATIVE_INFINITY
  let opening: Promise<void> | undefined

  const open = async () => {
    lookedAt = clock.now()
    try {
      const modifiedAt = (await stat(path)).mtimeMs
      if (opened?.reader && opened.modifiedAt === modifiedAt) return
      const { Reader } = await import('mmdb-lib')
      opened = { reader: new Reader<Response>(await readFile(path)), modifiedAt }
    } catch (error) {
      log.warn({ err: errorFields(error), file: path }, 'the database of countries cannot be read')
      opened ??= { reader: null, modifiedAt: 0 } // an older one that was read goes on
    }
  }

  return {
    async of(address) {
      const ip = plain(address)
      if (isPrivate(ip)) return { kind: 'private' }
      if (!isPublic(ip)) return unknown
      if (clock.now() - lookedAt >= lookAgainMs)
        opening ??= open().finally(() => {
          opening = undefined
        })
      if (!opened) await opening
      try {
        const country = countryIn(opened?.reader?.get(ip))
        return country === null ? unknown : { kind: 'country', country }
      } catch {
        return unknown // a damaged file, found at this address
      }
    },
  }
}

const bundledFile = () =>
  fileURLToPath(
    import.meta.resolve('@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb'),
  )

/** The two letters of ISO 3166-1 where the makers of such files put them. */
function countryIn(record: unknown): string | null {
  if (typeof record !== 'object' || record === null) return null
  const { country_code, country } = record as { country_code?: unknown; country?: unknown }
  const named = (country as { iso_code?: unknown } | undefined)?.iso_code
  for (const code of [country_code, named, country])
    if (typeof code === 'string' && /^[A-Z]{2}$/.test(code)) return code
  return null
}

/** IPv4 written as IPv6 is IPv4; a zone (`%eth0`) is no part of the address. */
function plain(address: string): string {
  const bare = address.split('%', 1)[0] ?? ''
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)?.[1] ?? bare
}

const within = (networks: readonly string[]) => {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', length] = network.split('/')
    list.addSubnet(address, Number(length), isIPv4(address) ? 'ipv4' : 'ipv6')
  }
  return (ip: string) =>
    (isIPv4(ip) && list.check(ip, 'ipv4')) || (isIPv6(ip) && list.check(ip, 'ipv6'))
}

const isPrivate = within([
  ...['127.0.0.0/8', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16'],
  '100.64.0.0/10', // RFC 6598: between a telephone company and its customers
  ...['::1/128', 'fc00::/7', 'fe80::/10'],
])

/** RFC 6890: in nobody's hands, whatever a file says of them. */
const isReserved = within([
  ...['0.0.0.0/8', '192.0.0.0/24', '192.0.2.0/24', '198.18.0.0/15', '198.51.100.0/24'],
  ...['203.0.113.0/24', '224.0.0.0/3', '::/128', '100::/64', '2001:db8::/32', 'ff00::/8'],
])

const isPublic = (ip: string) => (isIPv4(ip) || isIPv6(ip)) && !isReserved(ip)
