import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import type { Random } from '../platform/random.ts'
import type { Fetch } from '../provider/wire.ts'
import { seededRandom } from './virtual-clock.ts'

/** How the line is. Absent: as good as loopback. */
export type Weather = {
  /** Round trip. Half of it each way, and one whole before the first byte, as a handshake costs. */
  rttMs?: number
  /** Up to this much more, each way, per piece; order is kept. */
  jitterMs?: number
  /** Throughput each way. */
  bytesPerSecond?: number
  /** Cuts what passes into pieces of at most this size. */
  sliceBytes?: number
  /** Share of connections that are reset at their first byte. */
  resetShare?: number
  /** Share of connections whose answer is cut off after some bytes. */
  cutShare?: number
  /** `refuse`: nothing is reachable. `portal`: every request is answered by a sign-in page. */
  reach?: 'refuse' | 'portal'
}

/** What happens to one connection, whatever the weather. Counted in bytes from its beginning. */
export type Script =
  | { kind: 'pass' }
  /** Takes everything and never answers. */
  | { kind: 'black-hole' }
  /** RST when the client has sent this many bytes; 0: before anything reached the target. */
  | { kind: 'reset-after-sent'; bytes: number }
  /** RST when this much of the answer has passed; 0: carried out, and the reply never arrives. */
  | { kind: 'reset-after-received'; bytes: number }
  /** FIN in the middle of the answer. */
  | { kind: 'truncate'; bytes: number }
  /** Flips the bits of one byte of the answer. */
  | { kind: 'corrupt'; at: number }
  /** Ends the client's direction towards the target after this many bytes; answers still pass. */
  | { kind: 'half-close'; bytes: number }

/** Lines as people meet them. */
export const profiles = {
  offline: { reach: 'refuse' },
  '3g': { rttMs: 150, jitterMs: 50, bytesPerSecond: 90_000 },
  satellite: { rttMs: 620, jitterMs: 40, bytesPerSecond: 500_000 },
  'flaky-wifi': { rttMs: 30, jitterMs: 60, sliceBytes: 700, resetShare: 0.15, cutShare: 0.15 },
  'captive-portal': { reach: 'portal' },
} as const satisfies Record<string, Weather>

const portalPage = '<html><body>Welcome! Please accept our terms.</body></html>'
const portalReply = `HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: ${portalPage.length}\r\nconnection: close\r\n\r\n${portalPage}`

/**
 * A bad network between a client and a server, in user space: point the client at `listen()`. Works
 * for anything over TCP, TLS included. The same seed makes the same luck.
 */
export class FaultProxy {
  /** What happens to the next connections, in order; afterwards `pass`. */
  readonly scripts: Script[] = []
  /** Connections accepted so far. */
  connections = 0
  readonly #origin: string
  readonly #target: { host: string; port: number }
  readonly #random: Random
  readonly #sockets = new Set<Socket>()
  #weather: Weather
  #server: Server | null = null
  #listening: Promise<string> | null = null

  constructor(target: string | URL, weather: Weather = {}, seed = 1) {
    const { hostname, port, protocol, origin } = new URL(target)
    this.#origin = origin
    const host = hostname.replace(/^\[|\]$/g, '') // brackets belong to addresses, not to sockets
    this.#target = { host, port: Number(port || (protocol === 'https:' ? 443 : 80)) }
    this.#weather = weather
    this.#random = seededRandom(seed)
  }

  get weather(): Weather {
    return this.#weather
  }

  /** Changes the line. Connections do not outlive it, so what comes next is met by the new one. */
  set weather(weather: Weather) {
    this.#weather = weather
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  /** Listens on a free port of 127.0.0.1 and answers its origin. */
  listen(): Promise<string> {
    this.#listening ??= new Promise((resolve, reject) => {
      const server = createServer({ allowHalfOpen: true }, (client) => this.#accept(client))
      this.#server = server
      server.once('error', reject)
      server.listen(0, '127.0.0.1', () =>
        resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
      )
    })
    return this.#listening
  }

  /**
   * `fetch` whose requests to the target take this line, under the target's own address: for
   * `createAuth({ fetch })` and `account.fetch({ fetch })`, as an issuer cannot be renamed. Plain http
   * only: over TLS the certificate is for the target's name, so there point the client at `listen()`.
   */
  readonly fetch: Fetch = async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input)
    if (url.origin !== this.#origin) return fetch(input, init)
    const through = new URL(url.pathname + url.search, await this.listen())
    return fetch(input instanceof Request ? new Request(through, input) : through, init)
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise<void>((resolve) =>
      this.#server ? this.#server.close(() => resolve()) : resolve(),
    )
  }

  #accept(client: Socket): void {
    this.connections++
    this.#track(client)
    const script = this.scripts.shift() ?? this.#luck()
    if (this.weather.reach === 'refuse') return void client.resetAndDestroy()
    if (this.weather.reach === 'portal') {
      client.once('data', () => client.end(portalReply))
      return
    }
    if (script.kind === 'black-hole') return void client.resume()
    if (script.kind === 'reset-after-sent' && script.bytes === 0)
      return void client.once('data', () => client.resetAndDestroy())

    const target = connect({ ...this.#target, allowHalfOpen: true })
    this.#track(target)
    const reset = () => {
      client.resetAndDestroy()
      target.destroy()
    }
    const up = new Lane(target, this.weather, this.#random, this.weather.rttMs ?? 0)
    const down = new Lane(client, this.weather, this.#random, 0)
    let sent = 0
    let received = 0
    client.on('data', (chunk: Buffer) => {
      const before = sent
      sent += chunk.length
      if (script.kind === 'reset-after-sent' && sent >= script.bytes) {
        up.push(chunk.subarray(0, script.bytes - before))
        return up.flushed(reset)
      }
      if (script.kind === 'half-close' && sent >= script.bytes) {
        if (before < script.bytes) {
          up.push(chunk.subarray(0, script.bytes - before))
          up.flushed(() => target.end())
        }
        return
      }
      up.push(chunk)
    })
    target.on('data', (chunk: Buffer) => {
      const before = received
      received += chunk.length
      switch (script.kind) {
        case 'reset-after-received':
        case 'truncate':
          if (received >= script.bytes) {
            if (before <= script.bytes) {
              down.push(chunk.subarray(0, script.bytes - before))
              down.flushed(script.kind === 'truncate' ? () => client.end() : reset)
            }
            return
          }
          break
        case 'corrupt':
          if (before <= script.at && script.at < received) {
            const at = script.at - before
            chunk[at] = (chunk[at] ?? 0) ^ 0xff
          }
          break
      }
      down.push(chunk)
    })
    client.on('end', () => up.flushed(() => target.end()))
    target.on('end', () => down.flushed(() => client.end()))
    client.on('close', () => target.destroy())
    target.on('close', () => down.flushed(() => client.destroySoon()))
  }

  #luck(): Script {
    const { resetShare = 0, cutShare = 0 } = this.weather
    const fate = this.#random.fraction()
    if (fate < resetShare) return { kind: 'reset-after-sent', bytes: 0 }
    if (fate < resetShare + cutShare)
      return { kind: 'reset-after-received', bytes: Math.floor(this.#random.fraction() * 400) }
    return { kind: 'pass' }
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => {}) // resets are what we are here for
    socket.on('close', () => this.#sockets.delete(socket))
  }
}

/** One direction: holds each piece for as long as the weather wants, in order. */
class Lane {
  readonly #socket: Socket
  readonly #weather: Weather
  readonly #random: Random
  readonly #line: { at: number; run: () => void }[] = []
  #freeAt = 0
  #extraMs: number

  constructor(socket: Socket, weather: Weather, random: Random, firstExtraMs: number) {
    this.#socket = socket
    this.#weather = weather
    this.#random = random
    this.#extraMs = firstExtraMs
  }

  push(chunk: Uint8Array): void {
    const size = this.#weather.sliceBytes ?? chunk.length
    for (let at = 0; at < chunk.length; at += size) {
      const piece = chunk.subarray(at, at + size)
      const { bytesPerSecond } = this.#weather
      const onTheWire = bytesPerSecond === undefined ? 0 : (piece.length / bytesPerSecond) * 1_000
      this.#after(onTheWire, () => this.#socket.writable && this.#socket.write(piece))
    }
  }

  /** Runs once everything pushed before has been delivered. */
  flushed(done: () => void): void {
    this.#after(0, done)
  }

  #after(extraMs: number, run: () => void): void {
    const { rttMs = 0, jitterMs = 0 } = this.#weather
    const now = performance.now()
    const travel = rttMs / 2 + jitterMs * this.#random.fraction() + this.#extraMs
    this.#extraMs = 0
    this.#freeAt = Math.max(this.#freeAt, now + travel) + extraMs
    if (this.#freeAt <= now && this.#line.length === 0) {
      run()
      return
    }
    this.#line.push({ at: this.#freeAt, run })
    if (this.#line.length === 1) this.#wake()
  }

  /** One timer for the head of the line: several could overtake each other by a rounding. */
  #wake(): void {
    const head = this.#line[0]
    if (head === undefined) return
    setTimeout(
      () => {
        while (this.#line[0] !== undefined && this.#line[0].at <= performance.now())
          this.#line.shift()?.run()
        this.#wake()
      },
      Math.ceil(head.at - performance.now()),
    )
  }
}
