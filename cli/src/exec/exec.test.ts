import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  alterCredential,
  commandLines,
  older,
  signedInTerminal,
} from '../../../test/harness/cli.ts'
import { startServer, type TestServer } from '../../../test/harness/server.ts'

let server: TestServer
let signedIn: Awaited<ReturnType<typeof signedInTerminal>>
before(async () => {
  server = await startServer()
  signedIn = await signedInTerminal(server.origin)
})
after(async () => {
  await signedIn.terminal[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

const openai = fileURLToPath(import.meta.resolve('openai'))
const node = (script: string) => [
  'exec',
  '--',
  process.execPath,
  '--input-type=module',
  '-e',
  script,
]

test('the openai package works as it is, streams included, and never holds a token of ours', async () => {
  const { terminal } = signedIn
  const ran = await terminal.run(
    node(`import OpenAI from ${JSON.stringify(openai)}
const client = new OpenAI({ maxRetries: 0 }) // knows nothing but its two variables
const { data } = await client.models.list()
const stream = await client.chat.completions.create({
  model: data[0].id, stream: true, messages: [{ role: 'user', content: 'Hello' }],
})
let text = '', chunks = 0
for await (const chunk of stream) { chunks++; text += chunk.choices[0]?.delta.content ?? '' }
console.log(JSON.stringify({ chunks, text, key: process.env.OPENAI_API_KEY, base: process.env.OPENAI_BASE_URL,
  secret: process.env.LATCHKEY_CLIENT_SECRET }))`),
    { LATCHKEY_CLIENT_SECRET: 'not for children' },
  )
  assert.equal(ran.code, 0, ran.err)
  const told = JSON.parse(ran.out) as Record<string, string | number>
  assert.ok(Number(told.chunks) > 2 && told.text)
  assert.match(String(told.base), /^http:\/\/127\.0\.0\.1:\d+\/v1$/)
  assert.match(String(told.key), /^sk-local-/)
  assert.equal(told.secret, undefined)
})

test('a program that outlives its token goes on: the token is renewed behind the door', async () => {
  const { terminal, email } = signedIn
  const { client_id } = await terminal.json<{ client_id: string }>(0, ['whoami'])
  const binding = { issuer: server.origin, clientId: client_id, account: email }
  await alterCredential(terminal, binding, older(4.5 * 60_000))
  const before = (await alterCredential(terminal, binding)).generation
  const running = terminal.start(
    node(`import { existsSync } from 'node:fs'
const ask = async () => (await fetch(process.env.OPENAI_BASE_URL + '/models',
  { headers: { authorization: 'Bearer ' + process.env.OPENAI_API_KEY } })).status
console.log(await ask())
while (!existsSync(${JSON.stringify(join(terminal.dir, 'go'))})) await new Promise((r) => setTimeout(r, 10))
console.log(await ask())`),
  )
  await running.saw('200\n')
  // The provider ends the access token, as it does when keys or scopes change: the door asks for more.
  server.clock.advance(11 * 60_000)
  await writeFile(join(terminal.dir, 'go'), '')
  assert.equal((await running.ended).code, 0, running.err())
  assert.equal(running.out(), '200\n200\n')
  assert.ok((await alterCredential(terminal, binding)).generation > before)
})

test('exit code, signals, output and a missing program are as the shell knows them', async () => {
  const { terminal } = signedIn
  const sh = (script: string) => terminal.run(['exec', '--', 'sh', '-c', script])
  const seven = await sh('echo out; echo err >&2; exit 7')
  assert.deepEqual([seven.code, seven.out, seven.err], [7, 'out\n', 'err\n'])
  assert.equal((await sh('kill -TERM $$')).code, 143)
  assert.equal((await terminal.run(['exec', '--', 'no-such-program'])).code, 127)
  await writeFile(join(terminal.dir, 'plain'), 'x', { mode: 0o644 })
  assert.equal((await terminal.run(['exec', '--', join(terminal.dir, 'plain')])).code, 126)
  assert.equal((await terminal.run(['exec'])).code, 2)
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT'] as const) {
    const name = signal.slice(3)
    const running = terminal.start([
      'exec',
      '--',
      'sh',
      '-c',
      `trap 'echo got ${name}; exit 9' ${name}; echo ready; while :; do sleep 0.05; done`,
    ])
    await running.saw('ready')
    running.signal(signal)
    assert.deepEqual((await running.ended).code, 9, signal)
    assert.match(running.out(), new RegExp(`got ${name}`))
  }
})

test('the list of processes shows neither token nor bearer while it runs', async () => {
  const { terminal } = signedIn
  const token = (await terminal.run(['token'])).out.trim()
  const running = terminal.start([
    'exec',
    '--',
    'sh',
    '-c',
    'echo "$OPENAI_BASE_URL $OPENAI_API_KEY"; exec sleep 30',
  ])
  await running.saw('\n')
  const [base = '', bearer = ''] = running.out().trim().split(' ')
  const lines = await commandLines()
  assert.ok(lines.includes('exec'), 'we are in it')
  assert.ok(!lines.includes(bearer) && !lines.includes(token))
  running.signal('SIGTERM')
  assert.equal((await running.ended).code, 143)
  await assert.rejects(fetch(base), 'the door closes with the program')
})

test('--token-in-env hands the token itself over, for what cannot reach loopback', async () => {
  const { terminal } = signedIn
  const ran = await terminal.run([
    ...['exec', '--token-in-env', '--', 'sh', '-c', 'echo "$OPENAI_BASE_URL $OPENAI_API_KEY"'],
  ])
  assert.equal(ran.out, `${server.origin}/v1 ${(await terminal.run(['token'])).out}`)
  const elsewhere = ['exec', '--base-url', 'http://api.example.org/v1', '--', 'true']
  assert.equal((await terminal.run(elsewhere)).code, 2, 'a token goes by https or stays here')
})
