import { Resolver } from 'node:dns/promises'
import { isIP, type Socket } from 'node:net'
import { buildConnector } from 'undici'

/** Opens the socket of one request to one of `addresses`, whatever its host is called. */
export type Connect = (addresses: readonly string[], timeoutMs: number) => buildConnector.connector

/** All addresses of a name. Rejects when there is none, or when the signal comes first. */
export type Resolve = (hostname: string, signal: AbortSignal) => Promise<readonly string[]>

/**
 * DNS alone: no hosts file, no search domains, and no thread of the pool that password hashing and
 * the file system share.
 */
export const resolveByDns: Resolve = async (hostname, signal) => {
  const resolver = new Resolver({ timeout: 2_000, tries: 2 })
  const cancel = () => resolver.cancel()
  signal.addEventListener('abort', cancel, { once: true })
  try {
    const answers = await Promise.allSettled([
      resolver.resolve4(hostname),
      resolver.resolve6(hostname),
    ])
    const addresses = answers.flatMap((answer) =>
      answer.status === 'fulfilled' ? answer.value : [],
    )
    if (addresses.length > 0) return addresses
    throw answers.find((answer) => answer.status === 'rejected')?.reason ?? new Error('no address')
  } finally {
    signal.removeEventListener('abort', cancel)
  }
}

/**
 * The socket goes to an address that was judged: `lookup` answers from the list and asks nobody, so
 * there is no second resolution that a name could answer differently. Host and SNI stay the name's.
 * A family that does not answer gives way to the next address (RFC 8305).
 */
export const connectToChecked: Connect = (addresses, timeoutMs) => {
  const known = addresses.map((address) => ({ address, family: isIP(address) }))
  const connect = buildConnector({
    timeout: timeoutMs,
    allowH2: false,
    maxCachedSessions: 0,
    autoSelectFamily: true,
    lookup(_hostname, options, answer) {
      const [first] = known
      if (options.all) answer(null, known)
      else answer(null, first?.address ?? '', first?.family)
    },
  } as buildConnector.BuildOptions) // its type is one of a union that lacks `autoSelectFamily` with `lookup`
  return (options, done) =>
    connect(options, (...[error, socket]) => {
      if (error !== null) return done(error, null)
      if (reached(socket, addresses)) return done(null, socket)
      socket.destroy()
      done(new Error('connected to an address that was not checked'), null)
    })
}

/** Belt and braces: says the kernel what we say? Literals are written as the URL parser writes them. */
function reached(socket: Socket, addresses: readonly string[]): boolean {
  const remote = canonical(socket.remoteAddress ?? '')
  return addresses.some((address) => canonical(address) === remote)
}

const canonical = (address: string): string =>
  isIP(address) === 6 ? new URL(`http://[${address}]`).hostname : address
