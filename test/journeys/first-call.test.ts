import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createKey, eventually, hello, openai } from '../harness/journey.ts'
import { mailTo, Person } from '../harness/person.ts'
import { databases, startServer } from '../harness/server.ts'

type Calls = {
  items: {
    request_id: string
    model: string
    key_id: string
    status: number
    input_tokens: number
    output_tokens: number
    cost_micros: number
    at: string
  }[]
}
type Usage = { items: { day: string; requests: number; output_tokens: number }[] }

for (const database of databases)
  test(`sign up, verify, make a key, call the model, see it in usage (${database})`, async () => {
    await using server = await startServer({ database })
    const person = new Person(server.origin)
    const email = 'newcomer@example.com'

    await person.expect(202, 'POST', '/api/accounts', {
      name: 'New Comer',
      email,
      password: 'quiet harbour lantern 42',
    })
    await person.expect(403, 'POST', '/api/sessions', {
      email,
      password: 'quiet harbour lantern 42',
    })
    const { code } = await mailTo(server.origin, email, 'verify_email')
    assert.match(code ?? '', /^\d{6}$/)
    await person.expect(204, 'POST', '/api/accounts/verify', { email, code })
    await person.expect(201, 'POST', '/api/sessions', {
      email,
      password: 'quiet harbour lantern 42',
    })
    const account = await person.expect<{ state: string; email_verified: boolean }>(
      200,
      'GET',
      '/api/account',
    )
    assert.deepEqual([account.state, account.email_verified], ['active', true])

    const key = await createKey(person)
    assert.match(key.secret, /^sk-lk-live_[0-9A-Za-z]{49}$/)
    const client = openai(server, key.secret)

    const { data: models } = await client.models.list()
    assert.ok(models.some((model) => model.id === hello.model))

    const plain = await client.chat.completions.create(hello)
    assert.match(plain.choices[0]?.message.content ?? '', /demo/i)
    assert.ok(plain.usage && plain.usage.completion_tokens > 0)

    const stream = await client.chat.completions.create({ ...hello, stream: true })
    const pieces: string[] = []
    for await (const chunk of stream) {
      assert.ok(!('usage' in chunk) || chunk.usage == null, 'usage was not asked for')
      pieces.push(chunk.choices[0]?.delta.content ?? '')
    }
    assert.ok(pieces.filter((piece) => piece !== '').length > 1, 'it streams piece by piece')
    assert.equal(pieces.join(''), plain.choices[0]?.message.content, 'the demo is deterministic')

    const calls = await eventually('both calls in the log', 2_000, async () => {
      const log = await person.expect<Calls>(200, 'GET', '/api/calls')
      return log.items.length === 2 && log.items
    })
    for (const call of calls) {
      assert.equal(call.key_id, key.id)
      assert.equal(call.status, 200)
      assert.equal(call.output_tokens, plain.usage?.completion_tokens)
      assert.equal(call.input_tokens, plain.usage?.prompt_tokens)
    }
    const usage = await person.expect<Usage>(200, 'GET', '/api/usage?group=day')
    assert.deepEqual(
      usage.items.map((row) => [row.requests, row.output_tokens]),
      [[2, 2 * (plain.usage?.completion_tokens ?? 0)]],
    )
    const csv = await person.expect<string>(200, 'GET', '/api/usage.csv?group=model')
    assert.match(csv, /latchkey-demo/)
  })
