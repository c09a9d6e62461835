import type { Clock } from '#platform/clock/clock.ts'
import { countTokens } from '../tokens.ts'
import type { Exchange, Transport, UpstreamEvents, UpstreamRequest } from './transport.ts'

export const demoModel = 'latchkey-demo'
export const demoEmbeddingModel = 'latchkey-demo-embedding'

const wordPauseMs = 8
/** How much of what was said is said back. */
const topicMax = 2_000
const dimensions = 64

type Json = Record<string, unknown>

/**
 * The model server that is there when none is configured, so that the first call works on a fresh
 * machine. Deterministic: the same request gets the same words. Each answer says that it is a demo.
 */
export function demoTransport(clock: Clock): Transport {
  let answers = 0
  return {
    send(request, events) {
      const running = new Running(events)
      const id = String(++answers).padStart(12, '0')
      setImmediate(() => running.start(answer(request, id, Math.floor(clock.now() / 1_000))))
      return running
    },
    close() {},
  }
}

type Answer = { status: number; json: Json } | { frames: string[] }

class Running implements Exchange {
  readonly #events: UpstreamEvents
  #frames: string[] = []
  #timer: NodeJS.Timeout | null = null
  #over = false
  #paused = false

  constructor(events: UpstreamEvents) {
    this.#events = events
  }

  start(answer: Answer): void {
    if (this.#over) return
    if ('json' in answer) {
      this.#over = true
      this.#events.head({
        status: answer.status,
        contentType: 'application/json',
        retryAfterSeconds: null,
      })
      this.#events.data(Buffer.from(JSON.stringify(answer.json)))
      this.#events.end()
      return
    }
    this.#frames = answer.frames
    this.#events.head({ status: 200, contentType: 'text/event-stream', retryAfterSeconds: null })
    this.#step()
  }

  #step(): void {
    this.#timer = null
    if (this.#over || this.#paused) return
    const frame = this.#frames.shift()
    if (frame !== undefined) {
      this.#timer = setTimeout(() => this.#step(), wordPauseMs)
      this.#events.data(Buffer.from(frame))
      return
    }
    this.#over = true
    this.#events.end()
  }

  pause(): void {
    this.#paused = true
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#step()
  }

  abort(): void {
    this.#over = true
    if (this.#timer) clearTimeout(this.#timer)
  }
}

function answer(request: UpstreamRequest, id: string, created: number): Answer {
  const body = JSON.parse(request.body.toString('utf8')) as Json
  const streamed = body.stream === true
  switch (request.path) {
    case '/chat/completions':
      return chat(body, id, created, streamed)
    case '/completions':
      return completion(body, id, created, streamed)
    case '/responses':
      return responses(body, id, created, streamed)
    case '/embeddings':
      return embeddings(body)
    default:
      return refusal(404, 'The demo model answers chat, responses and embeddings only.')
  }
}

const refusal = (status: number, message: string): Answer => ({
  status,
  json: {
    error: { message, type: 'invalid_request_error', param: null, code: 'model_not_supported' },
  },
})

/** The answer's words, cut to the tokens allowed, with the counts a real server would report. */
function speak(prompt: string, limit: unknown) {
  const topic = prompt.trim().replaceAll(/\s+/g, ' ').slice(0, topicMax)
  const text = `This is Latchkey's demo model: it needs no model server and thinks about nothing. You said: “${topic}”. Connect a real one with LATCHKEY_UPSTREAMS and the same request goes there.`
  const words = text.split(/(?<= )/)
  const max = typeof limit === 'number' && limit > 0 ? Math.floor(limit) : words.length
  const spoken = words.slice(0, max)
  return {
    spoken,
    text: spoken.join(''),
    finish: spoken.length < words.length ? 'length' : 'stop',
    inputTokens: countTokens(prompt),
    outputTokens: spoken.length,
  }
}

const textOf = (value: unknown): string => {
  if (typeof value === 'string') return value
  if (Array.isArray(value)) return value.map(textOf).join(' ')
  if (typeof value === 'object' && value !== null) {
    const { text, content } = value as Json
    return textOf(text ?? content ?? '')
  }
  return ''
}

const lastText = (list: unknown): string =>
  Array.isArray(list) ? textOf(list.at(-1)) : textOf(list)

const usageOf = (input: number, output: number) => ({
  prompt_tokens: input,
  completion_tokens: output,
  total_tokens: input + output,
})

const frame = (json: Json): string => `data: ${JSON.stringify(json)}\n\n`

function chat(body: Json, id: string, created: number, streamed: boolean): Answer {
  const said = speak(lastText(body.messages), body.max_completion_tokens ?? body.max_tokens)
  const input = countTokens(textOf(body.messages))
  const head = { id: `chatcmpl-demo${id}`, created, model: demoModel }
  if (!streamed)
    return {
      status: 200,
      json: {
        ...head,
        object: 'chat.completion',
        choices: [
          {
            index: 0,
            message: { role: 'assistant', content: said.text, refusal: null },
            logprobs: null,
            finish_reason: said.finish,
          },
        ],
        usage: usageOf(input, said.outputTokens),
      },
    }
  const chunk = (choices: unknown[], more: Json = {}) =>
    frame({ ...head, object: 'chat.completion.chunk', choices, ...more })
  const choice = (delta: Json, finish: string | null) => [
    { index: 0, delta, logprobs: null, finish_reason: finish },
  ]
  const wantsUsage = (body.stream_options as Json | undefined)?.include_usage === true
  return {
    frames: [
      chunk(choice({ role: 'assistant', content: '' }, null)),
      ...said.spoken.map((word) => chunk(choice({ content: word }, null))),
      chunk(choice({}, said.finish)),
      ...(wantsUsage ? [chunk([], { usage: usageOf(input, said.outputTokens) })] : []),
      'data: [DONE]\n\n',
    ],
  }
}

function completion(body: Json, id: string, created: number, streamed: boolean): Answer {
  const said = speak(textOf(body.prompt), body.max_tokens)
  const head = { id: `cmpl-demo${id}`, object: 'text_completion', created, model: demoModel }
  const usage = usageOf(said.inputTokens, said.outputTokens)
  const choice = (text: string, finish: string | null) => [
    { index: 0, text, logprobs: null, finish_reason: finish },
  ]
  if (!streamed)
    return { status: 200, json: { ...head, choices: choice(said.text, said.finish), usage } }
  const wantsUsage = (body.stream_options as Json | undefined)?.include_usage === true
  return {
    frames: [
      ...said.spoken.map((word) => frame({ ...head, choices: choice(word, null) })),
      frame({ ...head, choices: choice('', said.finish) }),
      ...(wantsUsage ? [frame({ ...head, choices: [], usage })] : []),
      'data: [DONE]\n\n',
    ],
  }
}

function responses(body: Json, id: string, created: number, streamed: boolean): Answer {
  const said = speak(lastText(body.input), body.max_output_tokens)
  const input = countTokens(textOf(body.input)) + countTokens(textOf(body.instructions ?? ''))
  const item = (status: string, content: unknown[]) => ({
    id: `msg_demo${id}`,
    type: 'message',
    status,
    role: 'assistant',
    content,
  })
  const part = { type: 'output_text', text: said.text, annotations: [] }
  const response = (status: string, output: unknown[], usage: Json | null) => ({
    id: `resp_demo${id}`,
    object: 'response',
    created_at: created,
    status,
    error: null,
    incomplete_details: null,
    instructions: body.instructions ?? null,
    model: demoModel,
    output,
    parallel_tool_calls: true,
    temperature: 1,
    tool_choice: 'auto',
    tools: [],
    top_p: 1,
    metadata: {},
    usage,
  })
  const done = response('completed', [item('completed', [part])], {
    input_tokens: input,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: said.outputTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: input + said.outputTokens,
  })
  if (!streamed) return { status: 200, json: done }
  let sequence = 0
  const event = (type: string, fields: Json) =>
    `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: sequence++, ...fields })}\n\n`
  const at = { item_id: `msg_demo${id}`, output_index: 0, content_index: 0 }
  return {
    frames: [
      event('response.created', { response: response('in_progress', [], null) }),
      event('response.output_item.added', { output_index: 0, item: item('in_progress', []) }),
      event('response.content_part.added', { ...at, part: { ...part, text: '' } }),
      ...said.spoken.map((delta) => event('response.output_text.delta', { ...at, delta })),
      event('response.output_text.done', { ...at, text: said.text }),
      event('response.content_part.done', { ...at, part }),
      event('response.output_item.done', { output_index: 0, item: item('completed', [part]) }),
      event('response.completed', { response: done }),
    ],
  }
}

function embeddings(body: Json): Answer {
  const inputs = Array.isArray(body.input) ? body.input : [body.input]
  if (
    inputs.length === 0 ||
    inputs.some((input) => typeof input !== 'string' && !Array.isArray(input))
  )
    return refusal(400, 'input must be a text or a list of texts.')
  const base64 = body.encoding_format === 'base64'
  const tokens = inputs.reduce<number>((sum, input) => sum + countTokens(textOf(input)), 0)
  return {
    status: 200,
    json: {
      object: 'list',
      model: demoEmbeddingModel,
      data: inputs.map((input, index) => {
        const vector = embed(typeof input === 'string' ? input : JSON.stringify(input))
        return {
          object: 'embedding',
          index,
          embedding: base64 ? Buffer.from(vector.buffer).toString('base64') : [...vector],
        }
      }),
      usage: { prompt_tokens: tokens, total_tokens: tokens },
    },
  }
}

/** Letter triples hashed into a few dimensions, of length one: alike texts lie near each other. */
function embed(text: string): Float32Array {
  const vector = new Float32Array(dimensions)
  const padded = `  ${text.toLowerCase()}  `
  for (let i = 0; i + 3 <= padded.length; i++) {
    let sum = 2_166_136_261
    for (let j = i; j < i + 3; j++) sum = Math.imul(sum ^ padded.charCodeAt(j), 16_777_619)
    const at = (sum >>> 0) % dimensions
    vector[at] = (vector[at] ?? 0) + (sum & 1 ? 1 : -1)
  }
  const length = Math.hypot(...vector) || 1
  return vector.map((value) => value / length)
}
