import assert from 'node:assert/strict'
import OpenAI from 'openai'
import { createKey, eventually, type Key } from './journey.ts'
import { type Behaviour, ModelServer } from './model-server.ts'
import { type Person, signedUp } from './person.ts'
import { startServer, type TestServer } from './server.ts'

export type Scene = {
  server: TestServer
  model: ModelServer
  person: Person
  accountId: string
  key: Key
  /** The official client with the key; counts what it sends. */
  client: OpenAI
  sent(): number
  /** A call by plain fetch, with whatever the test wants to get wrong. */
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>
  /** The call log, newest first, once it has this many entries. */
  calls(count: number): Promise<LoggedCall[]>
  [Symbol.asyncDispose](): Promise<void>
}

export type LoggedCall = {
  request_id: string
  model: string
  status: number
  outcome: string
  streamed: boolean
  input_tokens: number
  cached_input_tokens: number
  output_tokens: number
  estimated: boolean
  cost_micros: number
}

export const ask = { model: 'm1', messages: [{ role: 'user' as const, content: 'Hi' }] }

/** A server with one fake model server behind it, an account and a key. */
export async function gatewayScene(
  options: {
    behave?: Behaviour
    key?: object
    upstreams?: (model: ModelServer) => object[]
    env?: Record<string, string>
    maxRetries?: number
  } = {},
): Promise<Scene> {
  const model = await new ModelServer(options.behave).listen()
  const upstreams = options.upstreams?.(model) ?? [model.setting()]
  const server = await startServer({
    env: { LATCHKEY_UPSTREAMS: JSON.stringify(upstreams), ...options.env },
  })
  const { person, accountId } = await signedUp(server.origin)
  const key = await createKey(person, options.key)
  let sent = 0
  const client = new OpenAI({
    baseURL: `${server.origin}/v1`,
    apiKey: key.secret,
    maxRetries: options.maxRetries ?? 0,
    fetch: (...args) => {
      sent++
      return fetch(...args)
    },
  })
  return {
    server,
    model,
    person,
    accountId,
    key,
    client,
    sent: () => sent,
    post: (path, body, headers = {}) =>
      fetch(`${server.origin}${path}`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${key.secret}`,
          'content-type': 'application/json',
          ...headers,
        },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    calls: (count) =>
      eventually(`${count} calls in the log`, 2_000, async () => {
        const { items } = await person.expect<{ items: LoggedCall[] }>(200, 'GET', '/api/calls')
        assert.ok(items.length <= count, `${items.length} calls, expected ${count}`)
        return items.length === count && items
      }),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      await model[Symbol.asyncDispose]()
    },
  }
}

export async function refusalOf(call: PromiseLike<unknown>) {
  try {
    await call
  } catch (error) {
    assert.ok(error instanceof OpenAI.APIError, String(error))
    return error
  }
  return assert.fail('the call was served')
}
