import type { UpstreamHead } from './transport.ts'

const headBytesMax = 64 * 1024
const endOfHead = Buffer.from('\r\n\r\n')

/**
 * Reads one HTTP/1.1 answer after another from a connection (RFC 9112) and is strict where leniency
 * would let two readers disagree about where an answer ends: a length beside a transfer coding, two
 * lengths, a coding other than `chunked`, folded or bare-LF lines and odd chunk sizes are all `broken`.
 */
export class ResponseParser {
  readonly #on: { head(head: UpstreamHead): void; data(chunk: Buffer): void }
  #state: 'head' | 'length' | 'chunks' | 'trailer' | 'close' = 'head'
  #rest: Buffer | null = null
  #left = 0
  keepAlive = true

  constructor(on: { head(head: UpstreamHead): void; data(chunk: Buffer): void }) {
    this.#on = on
  }

  begin(): void {
    this.#state = 'head'
    this.#rest = null
    this.#left = 0
    this.keepAlive = true
  }

  /** Whether any byte of the answer has come. */
  get started(): boolean {
    return this.#state !== 'head' || this.#rest !== null
  }

  /** An answer without length or coding ends where the connection does. */
  get endsWithConnection(): boolean {
    return this.#state === 'close'
  }

  /** `end`: the answer is complete. Bytes after it are `broken`: nothing was asked for yet. */
  push(bytes: Buffer): 'more' | 'end' | 'broken' {
    let input = bytes
    if (this.#rest) {
      input = Buffer.concat([this.#rest, bytes])
      this.#rest = null
    }
    let at = 0
    while (this.#state === 'head') {
      const end = input.indexOf(endOfHead, at)
      if (end < 0) {
        if (input.length - at > headBytesMax) return 'broken'
        this.#rest = input.subarray(at)
        return 'more'
      }
      const head = this.#readHead(input.toString('latin1', at, end + 2))
      if (head === null) return 'broken'
      at = end + 4
      if (head.status < 200) continue // 100 Continue, 103 Early Hints: the answer itself follows
      if (head.status === 204 || head.status === 304) {
        this.#state = 'length'
        this.#left = 0
      } else this.#state = this.#framing
      this.#on.head(head)
    }
    switch (this.#state) {
      case 'length':
        return this.#length(input, at)
      case 'close':
        if (at < input.length) this.#on.data(at === 0 ? input : input.subarray(at))
        return 'more'
      default: {
        // What arrived together is handed on together, so that it also leaves in one write.
        const parts: Buffer[] = []
        const state = this.#chunks(input, at, parts)
        if (parts.length > 0)
          this.#on.data(parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts))
        return state
      }
    }
  }

  #framing: 'length' | 'chunks' | 'close' = 'close'

  #readHead(text: string): UpstreamHead | null {
    // `text` ends with CRLF. A folded line starts with blank; a bare LF or CR hides a line from somebody.
    if (!/^HTTP\/1\.[01] [1-5]\d\d[ \r]/.test(text)) return null
    if (/\r\n[ \t]|[^\r]\n|\r[^\n]|\0/.test(text)) return null
    const lower = text.toLowerCase()
    const length = header(text, lower, 'content-length')
    const coding = header(text, lower, 'transfer-encoding')
    if (length === false || coding === false) return null
    if (length !== null && coding !== null) return null
    if (coding !== null) {
      if (coding.toLowerCase() !== 'chunked') return null
      this.#framing = 'chunks'
    } else if (length !== null) {
      if (!/^\d{1,15}$/.test(length)) return null
      this.#framing = 'length'
    } else this.#framing = 'close'
    this.#left = length === null ? 0 : Number(length)
    const connection = header(text, lower, 'connection')
    this.keepAlive =
      this.#framing !== 'close' &&
      text.charCodeAt(7) === 49 /* HTTP/1.1 */ &&
      (connection === null || (connection !== false && connection.toLowerCase() !== 'close'))
    const retryAfter = header(text, lower, 'retry-after')
    return {
      status: Number(text.slice(9, 12)),
      contentType: header(text, lower, 'content-type') || '',
      retryAfterSeconds:
        typeof retryAfter === 'string' && /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) : null,
    }
  }

  #length(input: Buffer, at: number): 'more' | 'end' | 'broken' {
    const have = input.length - at
    if (have > this.#left) return 'broken'
    this.#left -= have
    const done = this.#left === 0
    if (have > 0) this.#on.data(at === 0 ? input : input.subarray(at))
    return done ? 'end' : 'more'
  }

  #chunks(input: Buffer, start: number, parts: Buffer[]): 'more' | 'end' | 'broken' {
    let at = start
    while (true) {
      if (this.#state === 'trailer') {
        const line = input.indexOf('\r\n', at, 'latin1')
        if (line < 0) return this.#keep(input, at)
        const last = line === at
        at = line + 2
        if (last) return at === input.length ? 'end' : 'broken'
        continue
      }
      if (this.#left === 0) {
        const line = input.indexOf('\r\n', at, 'latin1')
        if (line < 0) return this.#keep(input, at)
        const size = /^([0-9a-fA-F]{1,8})[ \t]*(?:;[^\r\n]*)?$/.exec(
          input.toString('latin1', at, line),
        )
        if (!size) return 'broken'
        const bytes = Number.parseInt(size[1] as string, 16)
        at = line + 2
        if (bytes === 0) {
          this.#state = 'trailer'
          continue
        }
        this.#left = bytes + 2 // and its CRLF
      }
      const have = Math.min(this.#left, input.length - at)
      if (have === 0) return 'more'
      const payload = Math.min(have, Math.max(0, this.#left - 2))
      // The CRLF has to be there: otherwise the size lied.
      for (let i = payload; i < have; i++) {
        const expected = this.#left - i === 2 ? 13 : 10
        if (input[at + i] !== expected) return 'broken'
      }
      this.#left -= have
      const from = at
      at += have
      if (payload > 0) parts.push(input.subarray(from, from + payload))
    }
  }

  #keep(input: Buffer, at: number): 'more' | 'broken' {
    if (input.length - at > 1_024) return 'broken'
    if (at < input.length) this.#rest = input.subarray(at)
    return 'more'
  }
}

/** The value of a header; null when absent, false when it is there twice. */
function header(text: string, lower: string, name: string): string | null | false {
  const at = lower.indexOf(`\r\n${name}:`)
  if (at < 0) return null
  const from = at + name.length + 3
  const value = text.slice(from, text.indexOf('\r\n', from)).trim()
  return lower.indexOf(`\r\n${name}:`, from) < 0 ? value : false
}
