import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

export type ModelRequest = {
  method: string
  url: string
  headers: IncomingMessage['headers']
  body: string
  json: Record<string, unknown>
}

/** How the fake behaves for one request; `nth` counts from 1. */
export type Behaviour = (
  request: ModelRequest,
  res: ServerResponse,
  nth: number,
  socket: Socket,
) => unknown

/**
 * An OpenAI-compatible server that does what a test tells it: delays, resets, truncates, answers
 * 429. It remembers what it was sent and who went away.
 */
export class ModelServer {
  readonly requests: ModelRequest[] = []
  /** Answers whose connection was closed before they ended. */
  abandoned = 0
  behave: Behaviour
  readonly #server = createServer((req, res) => this.#serve(req, res))

  constructor(behave: Behaviour = answerPlainly) {
    this.behave = behave
  }

  async listen(): Promise<this> {
    this.#server.keepAliveTimeout = 60_000
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return this
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`
  }

  /** An entry for LATCHKEY_UPSTREAMS; one micro-unit for a token in, two for one out. */
  setting(more: Record<string, unknown> = {}) {
    return {
      name: 'fake',
      base_url: this.url,
      api_key: 'upstream-canary-7d1f',
      models: ['m1'],
      prices: { m1: { input: 1_000_000, cached_input: 500_000, output: 2_000_000 } },
      ...more,
    }
  }

  async #serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of req) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks).toString('utf8')
    let json: Record<string, unknown> = {}
    try {
      json = JSON.parse(body)
    } catch {
      // Forms and broken bodies have none.
    }
    const request = {
      method: req.method ?? '',
      url: req.url ?? '',
      headers: req.headers,
      body,
      json,
    }
    this.requests.push(request)
    res.on('close', () => {
      if (!res.writableFinished) this.abandoned++
    })
    await this.behave(request, res, this.requests.length, req.socket)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

export const usage = (input: number, output: number, cached = 0) => ({
  prompt_tokens: input,
  completion_tokens: output,
  total_tokens: input + output,
  prompt_tokens_details: { cached_tokens: cached },
})

export function sendJson(res: ServerResponse, status: number, value: unknown, headers = {}): void {
  res.writeHead(status, { 'content-type': 'application/json', ...headers })
  res.end(JSON.stringify(value))
}

export const completion = (content: string, used: object | null = usage(7, 3)) => ({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'm1',
  choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
  ...(used ? { usage: used } : {}),
})

export const chunk = (delta: object, finish: string | null = null, more: object = {}) =>
  `data: ${JSON.stringify({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'm1',
    choices: [{ index: 0, delta, finish_reason: finish }],
    ...more,
  })}\n\n`

export const usageChunk = (used: object) =>
  `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'm1', choices: [], usage: used })}\n\n`

export const done = 'data: [DONE]\n\n'

/** Streams words with a pause before each; `usage` at the end where it was asked for. */
export async function streamWords(
  request: ModelRequest,
  res: ServerResponse,
  words: readonly string[],
  pauseMs = 0,
): Promise<void> {
  res.writeHead(200, { 'content-type': 'text/event-stream' })
  res.write(chunk({ role: 'assistant', content: '' }))
  for (const word of words) {
    if (pauseMs > 0) await pause(pauseMs)
    if (res.destroyed) return
    res.write(chunk({ content: word }))
  }
  res.write(chunk({}, 'stop'))
  const options = request.json.stream_options as { include_usage?: boolean } | undefined
  if (options?.include_usage) res.write(usageChunk(usage(7, words.length)))
  res.end(done)
}

export const answerPlainly: Behaviour = (request, res) =>
  request.json.stream === true
    ? streamWords(request, res, ['one ', 'two ', 'three'])
    : sendJson(res, 200, completion('hello'))
