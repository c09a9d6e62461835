import { connect, type Socket } from 'node:net'
import { ResponseParser } from './response-parser.ts'
import {
  defaultTimeouts,
  type Exchange,
  type Timeouts,
  type Transport,
  type UpstreamEvents,
  type UpstreamFault,
  type UpstreamRequest,
} from './transport.ts'

/** Idle connections are dropped before usual servers drop them (Node and uvicorn: 5 s). */
const keepIdleMs = 4_000
const connectionsMax = 4_096
/**
 * What arrives on any connection lands here and is copied out at its own size before the next read:
 * a stream of Node's would make a buffer of this size for each read.
 */
const arrivals = Buffer.allocUnsafeSlow(65_536)
/** Up to this size head and body leave in one write. */
const oneWriteMax = 16_384

/**
 * HTTP/1.1 over plain sockets, kept alive, one request at a time on each; the connection used last
 * is used first. Two thirds of the cost of undici's dispatch on this path (docs/benchmarks.md).
 * Time-outs are kept by one sweep over all connections, so a request arms no timer.
 */
export function socketTransport(options: {
  host: string
  port: number
  /** Path prefix of the base URL, such as `/v1`. */
  prefix: string
  /** Value of the Host header. */
  authority: string
  authorization: string | null
  timeouts?: Timeouts
}): Transport {
  const timeouts = options.timeouts ?? defaultTimeouts
  const idle: Connection[] = []
  const open = new Set<Connection>()
  const heads = new Map<string, string>()
  let closed = false

  const sweep = setInterval(
    () => {
      const now = performance.now()
      for (const connection of open) connection.check(now)
    },
    Math.min(500, timeouts.connectMs / 2, timeouts.firstByteMs / 2, timeouts.idleMs / 2),
  )
  sweep.unref()

  /** All of a request's head but the length; the same few texts come again and again. */
  function headOf(request: UpstreamRequest): string {
    const name = `${request.method} ${request.path} ${request.contentType}`
    let head = heads.get(name)
    if (head === undefined) {
      const authorization = options.authorization
        ? `authorization: ${options.authorization}\r\n`
        : ''
      const type = request.contentType ? `content-type: ${request.contentType}\r\n` : ''
      head = `${request.method} ${options.prefix}${request.path} HTTP/1.1\r\nhost: ${options.authority}\r\n${authorization}${type}accept: application/json, text/event-stream\r\nuser-agent: latchkey\r\ncontent-length: `
      if (heads.size > 100) heads.clear() // multipart boundaries differ each time
      heads.set(name, head)
    }
    return head
  }

  class Connection implements Exchange {
    readonly #socket: Socket
    readonly #parser: ResponseParser
    #events: UpstreamEvents | null = null
    #connected = false
    #reused = false
    #answered = false
    #deadline: number

    constructor() {
      this.#deadline = performance.now() + timeouts.connectMs
      this.#parser = new ResponseParser({
        head: (head) => {
          this.#answered = true
          this.#events?.head(head)
        },
        data: (chunk) => this.#events?.data(chunk),
      })
      const socket = connect({
        host: options.host,
        port: options.port,
        noDelay: true,
        onread: {
          buffer: arrivals,
          callback: (length, buffer) => {
            this.#read(Buffer.from(buffer.subarray(0, length)))
            return true
          },
        },
      })
      this.#socket = socket
      socket.on('connect', () => {
        this.#connected = true
        this.#deadline = performance.now() + timeouts.firstByteMs
      })
      socket.on('error', () => {}) // 'close' follows and tells
      socket.on('close', () => this.#closed())
      open.add(this)
    }

    send(request: UpstreamRequest, events: UpstreamEvents): void {
      this.#events = events
      this.#answered = false
      this.#parser.begin()
      if (this.#connected) this.#deadline = performance.now() + timeouts.firstByteMs
      const { body } = request
      const head = `${headOf(request)}${body.length}\r\n\r\n`
      if (body.length <= oneWriteMax) {
        const bytes = Buffer.allocUnsafe(head.length + body.length)
        bytes.write(head, 0, 'latin1')
        body.copy(bytes, head.length)
        this.#socket.write(bytes)
      } else {
        this.#socket.cork()
        this.#socket.write(head, 'latin1')
        this.#socket.write(body)
        this.#socket.uncork()
      }
    }

    pause(): void {
      this.#socket.pause()
      this.#deadline = Number.POSITIVE_INFINITY // the client is slow, not the server
    }

    resume(): void {
      this.#deadline = performance.now() + timeouts.idleMs
      this.#socket.resume()
    }

    abort(): void {
      this.#events = null
      this.#socket.destroy()
    }

    check(now: number): void {
      if (now < this.#deadline) return
      if (this.#events) this.#fail(this.#connected ? 'timeout' : 'connect')
      else this.#socket.destroy()
    }

    reuse(): void {
      this.#reused = true
    }

    #read(bytes: Buffer): void {
      if (!this.#events) {
        this.#socket.destroy() // an answer nobody asked for
        return
      }
      this.#deadline = performance.now() + timeouts.idleMs
      const state = this.#parser.push(bytes)
      if (state === 'more') return
      if (state === 'broken') {
        this.#fail('framing')
        return
      }
      const events = this.#events
      if (!events) return // aborted by one of its own callbacks
      this.#events = null
      if (this.#parser.keepAlive && !closed) {
        this.#deadline = performance.now() + keepIdleMs
        if (this.#socket.isPaused()) this.#socket.resume()
        idle.push(this)
      } else this.#socket.destroy()
      events.end()
    }

    #fail(fault: UpstreamFault): void {
      const events = this.#events
      this.#events = null
      this.#socket.destroy()
      events?.error(fault)
    }

    #closed(): void {
      open.delete(this)
      const at = idle.indexOf(this)
      if (at >= 0) idle.splice(at, 1)
      const events = this.#events
      if (!events) return
      this.#events = null
      if (this.#parser.endsWithConnection) events.end()
      else if (!this.#connected) events.error('connect')
      else if (this.#reused && !this.#answered && !this.#parser.started) events.error('stale')
      else events.error('cut')
    }
  }

  return {
    send(request, events) {
      const kept = idle.pop()
      if (kept) {
        kept.reuse()
        kept.send(request, events)
        return kept
      }
      if (closed || open.size >= connectionsMax) {
        process.nextTick(() => events.error('connect'))
        return { pause() {}, resume() {}, abort() {} }
      }
      const connection = new Connection()
      connection.send(request, events)
      return connection
    },
    close() {
      closed = true
      clearInterval(sweep)
      for (const connection of open) connection.abort()
    },
  }
}
