import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import OpenAI from 'openai'
import { createAuth, discover, mcpAuthProvider, openaiOptions } from '../index.ts'
import { FakeProvider } from '../testing/fake-provider.ts'
import { virtualClock } from '../testing/virtual-clock.ts'

const clock = virtualClock()
const provider = new FakeProvider({ clock })
const failures: number[] = []
const refused = new Set<string>()
let calls = 0
// A small OpenAI-shaped API that accepts what the fake provider issued.
const server = createServer((request, response) => {
  calls++
  const token = (request.headers.authorization ?? '').replace('Bearer ', '')
  const status = failures.shift() ?? (provider.accepts(token) && !refused.has(token) ? 200 : 401)
  let body = ''
  request.on('data', (chunk) => (body += chunk))
  request.on('end', () => {
    if (status !== 200) {
      response.writeHead(status, { 'content-type': 'application/json', 'retry-after-ms': '1' })
      return response.end(JSON.stringify({ error: { code: 'invalid_api_key', message: 'no' } }))
    }
    if (JSON.parse(body).stream) {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      for (const content of ['Hel', 'lo'])
        response.write(
          `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`,
        )
      return response.end('data: [DONE]\n\n')
    }
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(
      JSON.stringify({ choices: [{ index: 0, message: { role: 'assistant', content: 'Hello' } }] }),
    )
  })
})
let baseURL = ''
before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
})
after(() => {
  server.close()
  server.closeAllConnections()
})

const signedIn = () =>
  createAuth({
    provider: discover(provider.issuer),
    clientId: 'app',
    clock,
    fetch: provider.fetch,
    refresh: { background: false },
  }).signInByCode(provider.code())

const messages = [{ role: 'user' as const, content: 'hi' }]

test('the openai package works through the account: plain, streamed, after expiry, after a 401', async () => {
  const account = await signedIn()
  const client = new OpenAI(openaiOptions(account, { baseURL }))
  const ask = async () =>
    (await client.chat.completions.create({ model: 'm', messages })).choices[0]?.message.content
  assert.equal(await ask(), 'Hello')
  await clock.advance(61 * 60_000)
  assert.equal(await ask(), 'Hello', 'after expiry')
  refused.add(await account.token())
  assert.equal(await ask(), 'Hello', 'after a 401')
  let text = ''
  const stream = await client.chat.completions.create({ model: 'm', messages, stream: true })
  for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
  assert.equal(text, 'Hello')
})

test('a model call whose outcome is unknown is not made twice', async () => {
  const client = new OpenAI(openaiOptions(await signedIn(), { baseURL }))
  calls = 0
  failures.push(500)
  await assert.rejects(client.chat.completions.create({ model: 'm', messages }))
  assert.equal(calls, 1)
})

test('the openai package’s own fetch works with the token alone', async () => {
  const account = await signedIn()
  const client = new OpenAI({ baseURL, apiKey: () => account.token(), maxRetries: 0 })
  const answer = await client.chat.completions.create({ model: 'm', messages })
  assert.equal(answer.choices[0]?.message.content, 'Hello')
})

test('an MCP client gets a token, and another one after it was refused', async () => {
  const account = await signedIn()
  const mcp = mcpAuthProvider(account)
  const first = await mcp.token()
  await mcp.onUnauthorized()
  assert.notEqual(await mcp.token(), first)
})

test('withFreshToken fills the token in, keeps this and arguments, and tries once more after 401', async () => {
  const account = await signedIn()
  const first = await account.token()
  const tokens: string[] = []
  const service = {
    name: 'svc',
    ask: account.withFreshToken(async function (
      this: { name: string },
      question: string,
      tone?: string,
      token?: string,
    ) {
      tokens.push(token ?? '')
      if (token === first) throw Object.assign(new Error('no'), { status: 401 })
      return `${this.name} ${question} ${tone}`
    }),
  }
  assert.equal(await service.ask('why'), 'svc why undefined')
  assert.equal(tokens.length, 2)
  assert.ok(tokens[0] === first && provider.accepts(tokens[1] ?? ''))
  assert.throws(() => account.withFreshToken(async () => {}), TypeError)
  const broken = account.withFreshToken(async (_token?: string) => {
    throw Object.assign(new Error('bad'), { status: 400 })
  })
  await assert.rejects(broken(), /bad/)
})
