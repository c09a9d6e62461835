import assert from 'node:assert/strict'
import { test } from 'node:test'
import OpenAI from 'openai'
import { createKey, hello, openai } from '../harness/journey.ts'
import { signedUp } from '../harness/person.ts'
import { databases, startServer } from '../harness/server.ts'

const refusal = async (call: PromiseLike<unknown>) => {
  try {
    await call
  } catch (error) {
    assert.ok(error instanceof OpenAI.APIError, String(error))
    return error
  }
  assert.fail('the call was served')
}

for (const database of databases)
  test(`lose a key: make another, disable and delete the old one (${database})`, async () => {
    await using server = await startServer({ database })
    const { person } = await signedUp(server.origin)
    const old = await createKey(person, { name: 'Lost' })
    await openai(server, old.secret).chat.completions.create(hello)

    const fresh = await createKey(person, { name: 'Found' })
    await person.expect(200, 'PATCH', `/api/keys/${old.id}`, { state: 'disabled' })
    const disabled = await refusal(openai(server, old.secret).chat.completions.create(hello))
    assert.ok(disabled instanceof OpenAI.AuthenticationError)
    assert.equal(disabled.code, 'invalid_api_key')
    const { help } = disabled.error as { help?: string }
    assert.ok(help?.startsWith(`${server.origin}/help/`), 'the error links to its article')

    await person.expect(200, 'PATCH', `/api/keys/${old.id}`, { state: 'active' })
    await openai(server, old.secret).chat.completions.create(hello)
    await person.expect(204, 'DELETE', `/api/keys/${old.id}`)
    assert.equal(
      (await refusal(openai(server, old.secret).chat.completions.create(hello))).code,
      'invalid_api_key',
    )
    await person.expect(404, 'PATCH', `/api/keys/${old.id}`, { state: 'active' })
    await openai(server, fresh.secret).chat.completions.create(hello)

    // Rotation keeps the id, and the old secret lives for the overlap.
    const rotated = await person.expect<{ id: string; secret: string }>(
      201,
      'POST',
      `/api/keys/${fresh.id}/rotate`,
      { overlap_seconds: 60 },
    )
    assert.equal(rotated.id, fresh.id)
    await openai(server, fresh.secret).chat.completions.create(hello)
    await openai(server, rotated.secret).chat.completions.create(hello)
    server.clock.advance(61_000)
    await refusal(openai(server, fresh.secret).chat.completions.create(hello))
    await openai(server, rotated.secret).chat.completions.create(hello)
  })
