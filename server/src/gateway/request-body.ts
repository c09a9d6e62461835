import { isUtf8 } from 'node:buffer'
import type { Call } from './call.ts'
import type { Refusal } from './refusal.ts'

export const bodyBytesMax = 16 * 1024 * 1024

/** Reads the whole body, then `done`. A body that grows too large is refused while it comes. */
export function readBody(call: Call, done: (refusal: Refusal | null) => void): void {
  const { req } = call
  let first: Buffer | null = null
  let more: Buffer[] | null = null
  let size = 0
  req.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size > bodyBytesMax) {
      if (!call.over) done({ reason: 'body_too_large', values: { limit: bodyBytesMax } })
      first = more = null
      return
    }
    if (first === null) first = chunk
    else if (more === null) more = [first, chunk]
    else more.push(chunk)
  })
  req.on('end', () => {
    if (call.over) return
    call.body = more ? Buffer.concat(more) : (first ?? Buffer.alloc(0))
    done(null)
  })
}

/** What the gateway reads of a JSON body; the rest goes to the model server as it came. */
export type ReadBody = {
  model: unknown
  stream: boolean
  wantsStreamUsage: boolean
  /** Most output tokens asked for, over all choices; null: not said. */
  outputTokensMax: number | null
  /** The bytes to send on. */
  bytes: Buffer
}

type Read = { ok: true; read: ReadBody } | { ok: false; refusal: Refusal }

/**
 * Members by which libraries let a caller choose host, key or headers of a model server. They never
 * leave here: model → server comes from the operator's configuration alone.
 */
const hostChoosing = new Set([
  'api_base',
  'api_key',
  'api_type',
  'api_version',
  'base_url',
  'custom_llm_provider',
  'deployment_id',
  'endpoint_url',
  'extra_body',
  'extra_headers',
  'headers',
  'litellm_params',
  'proxy',
  'proxies',
  'vertex_credentials',
  'aws_access_key_id',
  'aws_secret_access_key',
])

/**
 * Parses and judges a body. It is sent on byte for byte unless something in it has to go: a member
 * that chooses hosts, or a second spelling of `model` that another parser might prefer to ours.
 */
export function parseJsonBody(body: Buffer, askForUsage: boolean): Read {
  const malformed: Read = { ok: false, refusal: { reason: 'malformed_body' } }
  if (!isUtf8(body)) return malformed
  const text = body.toString('utf8')
  let value: Record<string, unknown>
  try {
    value = JSON.parse(text)
  } catch {
    return malformed
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return malformed

  let rewritten = isAmbiguous(text)
  for (const name of Object.keys(value))
    if (hostChoosing.has(name) || name === '__proto__' || isOtherModel(name)) {
      delete value[name]
      rewritten = true
    }

  const { stream } = value
  if (stream !== undefined && stream !== null && typeof stream !== 'boolean')
    return invalid('stream')
  const options = value.stream_options
  if (options !== undefined && options !== null && typeof options !== 'object')
    return invalid('stream_options')
  for (const name of ['max_tokens', 'max_completion_tokens', 'max_output_tokens'])
    if (!isCount(value[name], 0, 100_000_000)) return invalid(name)
  if (!isCount(value.n, 1, 128)) return invalid('n')

  const wantsStreamUsage =
    stream === true && (options as { include_usage?: unknown } | null)?.include_usage === true
  const addUsage = askForUsage && stream === true && !wantsStreamUsage
  if (addUsage && options) {
    value.stream_options = { ...(options as object), include_usage: true }
    rewritten = true
  }
  const limit = (value.max_completion_tokens ?? value.max_tokens ?? value.max_output_tokens) as
    | number
    | null
    | undefined
  let bytes: Buffer
  try {
    bytes = rewritten ? Buffer.from(JSON.stringify(value)) : body
  } catch {
    return malformed // nested too deeply to be written again
  }
  if (addUsage && !options) bytes = withUsageOption(bytes)
  return {
    ok: true,
    read: {
      model: value.model,
      stream: stream === true,
      wantsStreamUsage,
      outputTokensMax: typeof limit === 'number' ? limit * ((value.n as number) ?? 1) : null,
      bytes,
    },
  }
}

const invalid = (param: string): Read => ({
  ok: false,
  refusal: { reason: 'invalid_value', param, values: { param } },
})

const isCount = (value: unknown, min: number, max: number): boolean =>
  value === undefined ||
  value === null ||
  (Number.isInteger(value) && (value as number) >= min && (value as number) <= max)

/** Go's JSON reads `Model` as `model`. */
const isOtherModel = (name: string): boolean =>
  name.length === 5 && name !== 'model' && name.toLowerCase() === 'model'

/**
 * Whether `model` may stand in the text twice, or be spelled with escapes: parsers differ in which
 * one they take. Writing the parsed value again leaves one. Says yes too often, never too rarely.
 */
const isAmbiguous = (text: string): boolean =>
  text.indexOf('"model"') !== text.lastIndexOf('"model"') ||
  text.includes('\\u006') ||
  text.includes('\\u004')

const usageOption = Buffer.from(',"stream_options":{"include_usage":true}}')

/** Adds the member before the closing brace, without touching the rest. There is a member before it: `stream`. */
function withUsageOption(body: Buffer): Buffer {
  const brace = body.lastIndexOf(125 /* } */)
  return Buffer.concat([body.subarray(0, brace), usageOption])
}

/** The `model` field of a multipart form (RFC 7578); undefined when it is missing or there twice. */
export function modelOfForm(body: Buffer, contentType: string): string | undefined {
  const boundary = /;\s*boundary=(?:"([^"\r\n]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType)
  if (!boundary) return undefined
  const mark = Buffer.from(`--${boundary[1] ?? boundary[2]}`)
  const found: string[] = []
  for (let at = body.indexOf(mark); at >= 0; ) {
    const next = body.indexOf(mark, at + mark.length)
    if (next < 0) break
    const head = body.indexOf('\r\n\r\n', at)
    if (head > 0 && head < next) {
      const names = body.toString('latin1', at, head)
      if (/;\s*name="?model"?\s*(?:;|\r\n|$)/i.test(names))
        found.push(body.toString('utf8', head + 4, next - 2))
    }
    at = next
  }
  return found.length === 1 ? found[0] : undefined
}
