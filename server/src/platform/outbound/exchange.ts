import { type buildConnector, Client } from 'undici'

/** One request on a connection of its own. */
export type Wire = {
  method: 'GET' | 'POST'
  url: URL
  connector: buildConnector.connector
  headers: Record<string, string>
  body: string | Buffer | null
  maxBytes: number
  /** Media types that an answer of 2xx may have; `null` leaves it open. */
  accept: readonly string[] | null
  signal: AbortSignal
}

export type WireAnswer =
  | { ok: true; status: number; headers: Readonly<Record<string, string>>; body: Buffer }
  | { ok: false; reason: WireRefusal; detail: string }

export type WireRefusal =
  | 'connect_failed'
  | 'redirected'
  | 'too_large'
  | 'type_refused'
  | 'cut'
  | 'timeout'

export const headerBytesMax = 16_384

/**
 * Sends and reads, and stops reading at the first reason to refuse: no redirect is followed, no
 * body is unpacked, no byte beyond the cap is kept. The time-out is the signal's.
 */
export async function exchange(wire: Wire): Promise<WireAnswer> {
  const stage = { connected: false }
  const client = new Client(wire.url.origin, {
    connect: (options, done) =>
      wire.connector(options, (...result) => {
        stage.connected = result[0] === null
        done(...result)
      }),
    allowH2: false,
    maxHeaderSize: headerBytesMax,
    headersTimeout: 0, // the signal alone ends it
    bodyTimeout: 0,
  })
  try {
    return await new Promise<WireAnswer>((resolve) => dispatch(client, wire, stage, resolve))
  } finally {
    await client.destroy()
  }
}

function dispatch(
  client: Client,
  wire: Wire,
  stage: { connected: boolean },
  resolve: (answer: WireAnswer) => void,
): void {
  const refuse = (reason: WireRefusal, detail: string) => resolve({ ok: false, reason, detail })
  const chunks: Buffer[] = []
  let size = 0
  let head: { status: number; headers: Record<string, string> } | null = null
  const expire = () => refuse('timeout', head ? 'in the body' : 'before the answer')
  wire.signal.addEventListener('abort', expire, { once: true })
  if (wire.signal.aborted) expire()

  client.dispatch(
    {
      path: `${wire.url.pathname}${wire.url.search}`,
      method: wire.method,
      headers: wire.headers,
      body: wire.body,
    },
    {
      onRequestStart() {},
      onResponseStart(controller, status, raw) {
        if (status < 200) return
        const headers = plainHeaders(raw)
        head = { status, headers }
        const trouble = judgeHead(status, headers, wire)
        if (!trouble) return
        refuse(...trouble)
        controller.abort(new Error(trouble[0]))
      },
      onResponseData(controller, chunk) {
        size += chunk.length
        if (size <= wire.maxBytes) {
          chunks.push(chunk)
          return
        }
        refuse('too_large', `more than ${wire.maxBytes} bytes`)
        controller.abort(new Error('too large'))
      },
      onResponseEnd() {
        if (head) resolve({ ok: true, ...head, body: Buffer.concat(chunks, size) })
      },
      onResponseError(_controller, error) {
        const code = (error as NodeJS.ErrnoException).code ?? ''
        if (code === 'UND_ERR_HEADERS_OVERFLOW' || code === 'HPE_HEADER_OVERFLOW')
          return refuse('too_large', `headers of more than ${headerBytesMax} bytes`)
        refuse(stage.connected ? 'cut' : 'connect_failed', `${code} ${error.message}`.trim())
      },
    },
  )
}

function judgeHead(
  status: number,
  headers: Record<string, string>,
  { accept, maxBytes }: Wire,
): [WireRefusal, string] | null {
  if (status >= 300 && status < 400) return ['redirected', `answered ${status}`]
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? 'identity'
  // We asked for identity: nothing here ever unpacks, so nothing can unfold.
  if (encoding !== 'identity' && encoding !== '') return ['type_refused', 'is compressed']
  if (Number(headers['content-length'] ?? 0) > maxBytes)
    return ['too_large', `announces more than ${maxBytes} bytes`]
  const success = status < 300 && status !== 204
  if (success && accept && !hasType(headers['content-type'] ?? '', accept))
    return ['type_refused', `is ${headers['content-type'] ?? 'of no type'}`.slice(0, 120)]
  return null
}

/** `application/json` is also met by `application/…+json` (RFC 6839). */
function hasType(contentType: string, accept: readonly string[]): boolean {
  const type = (contentType.split(';', 1)[0] ?? '').trim().toLowerCase()
  const suffix = /^application\/[\w.-]+\+json$/.test(type) ? 'application/json' : type
  return accept.includes(type) || accept.includes(suffix)
}

/** A header sent several times is joined with commas, as it would be on one line (RFC 9110 §5.3). */
const plainHeaders = (raw: Record<string, string | string[] | undefined>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(raw).flatMap(([name, value]) =>
      value === undefined
        ? []
        : [[name.toLowerCase(), Array.isArray(value) ? value.join(', ') : value]],
    ),
  )
