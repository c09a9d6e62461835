import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createKey, eventually, hello, openai } from '../../../test/harness/journey.ts'
import { signedUp } from '../../../test/harness/person.ts'
import { startServer } from '../../../test/harness/server.ts'

test('a call is counted by model, upstream and outcome, with its tokens and time', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const key = await createKey(person)
  await openai(server, key.secret).chat.completions.create(hello)
  const text = await eventually('the figure', 2_000, async () => {
    const figures = await (await fetch(`${server.origin}/metrics`)).text()
    return figures.includes('latchkey_calls_total{') && figures
  })
  assert.match(
    text,
    /^latchkey_calls_total\{model="latchkey-demo",upstream="[^"]+",outcome="complete"\} 1$/m,
  )
  assert.match(text, /^latchkey_tokens_total\{model="latchkey-demo",kind="output"\} [1-9]\d*$/m)
  assert.match(text, /^latchkey_calls_running 0$/m)
  assert.match(text, /^latchkey_upstream_healthy\{upstream="[^"]+"\} 1$/m)
  assert.ok(!text.includes(key.secret) && !text.includes(key.id), 'no ids and no secrets')
})
