import { BlockList, isIP } from 'node:net'

/**
 * What looks routable and is not for us, from the IANA special-purpose address registries
 * (RFC 6890 and its updates), and the one address of a cloud's metadata service that lies in public
 * space.
 */
const special = [
  '0.0.0.0/8', // this network
  '10.0.0.0/8', // private
  '100.64.0.0/10', // carrier-grade NAT; 100.100.100.200 is metadata in one cloud
  '127.0.0.0/8', // loopback
  '168.63.129.16/32', // metadata in Azure
  '169.254.0.0/16', // link-local, and metadata in most clouds
  '172.16.0.0/12', // private
  '192.0.0.0/24', // protocol assignments; 192.0.0.192 is metadata in one cloud
  '192.0.2.0/24', // documentation
  '192.31.196.0/24', // AS112
  '192.52.193.0/24', // multicast tunnels
  '192.88.99.0/24', // 6to4 relays
  '192.168.0.0/16', // private
  '192.175.48.0/24', // AS112
  '198.18.0.0/15', // benchmarking
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, and broadcast
  '2001::/23', // protocol assignments: Teredo, benchmarking, ORCHID
  '2001:db8::/32', // documentation
  '2002::/16', // 6to4: an IPv4 address in disguise
  '2620:4f:8000::/48', // AS112
  '3fff::/20', // documentation
] as const

/**
 * The only block of IPv6 from which unicast addresses are handed out. Loopback, unique local, link-local,
 * mapped and translated (64:ff9b::/96) IPv4, multicast and whatever comes to be lie outside it.
 */
const ipv6Unicast = new BlockList()
ipv6Unicast.addSubnet('2000::', 3, 'ipv6')

const refused = new BlockList()
for (const range of special) {
  const [address = '', prefix] = range.split('/')
  refused.addSubnet(address, Number(prefix), isIP(address) === 4 ? 'ipv4' : 'ipv6')
}

/**
 * Whether an address, in any spelling a socket takes, is globally routable unicast. Texts that are no address
 * and addresses with a zone (`fe80::1%eth0`) are not.
 */
export function isPublicAddress(address: string): boolean {
  if (address.includes('%')) return false
  const version = isIP(address)
  if (version === 4) return !refused.check(address, 'ipv4')
  return version === 6 && ipv6Unicast.check(address, 'ipv6') && !refused.check(address, 'ipv6')
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
/** Apart, for a list with IPv4 in it also matches that IPv4 written as IPv6. */
const thisHost = new BlockList()
thisHost.addAddress('::1', 'ipv6')

/** Whether an address is this machine's own: 127.0.0.0/8 or ::1. IPv4 written as IPv6 does not count. */
export const isLoopbackAddress = (address: string): boolean => {
  const version = isIP(address)
  if (version === 6) return thisHost.check(address, 'ipv6')
  return version === 4 && loopback.check(address, 'ipv4')
}
