import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { createKey, eventually, hello, openai, operatorOf } from '../../../test/harness/journey.ts'
import { Person, signedUp } from '../../../test/harness/person.ts'
import { scratchPostgres, startServer } from '../../../test/harness/server.ts'

const redis = process.env.LATCHKEY_TEST_REDIS_URL
const skip =
  redis && process.env.LATCHKEY_TEST_POSTGRES_URL
    ? false
    : 'needs LATCHKEY_TEST_POSTGRES_URL and LATCHKEY_TEST_REDIS_URL'

test('a suspension on one node stops the key on the other within a second, and so does its reversal', {
  skip,
}, async () => {
  const scratch = await scratchPostgres()
  const env = {
    LATCHKEY_DATABASE_URL: scratch.url,
    LATCHKEY_REDIS_URL: redis ?? '',
    LATCHKEY_ROOT_KEY: randomBytes(32).toString('base64'),
  }
  {
    await using b = await startServer({ env })
    await using a = await startServer({ env }) // the last to start has the operator link that counts
    const operator = await operatorOf(a)
    const holder = await signedUp(a.origin)
    const key = await createKey(holder.person)
    const onB = openai(b, key.secret)
    await onB.chat.completions.create(hello) // known to the other node from now on
    const callCode = () =>
      onB.chat.completions.create(hello).then(
        () => 'works',
        (error: { code?: string }) => error.code ?? 'unknown',
      )

    const file = await operator.expect<{ decisions: { id: string }[] }>(
      201,
      'POST',
      `/api/operator/accounts/${holder.accountId}/decisions`,
      { kind: 'suspend', reason: 'leaked_key' },
    )
    await eventually('the refusal on the other node', 1_000, async () => {
      return (await callCode()) === 'account_deactivated'
    })
    const atB = new Person(b.origin)
    await atB.expect(201, 'POST', '/api/sessions', {
      email: holder.email,
      password: holder.password,
    })
    const { items } = await atB.expect<{ items: unknown[] }>(200, 'GET', '/api/cases')
    assert.equal(items.length, 1)

    await operator.expect(
      200,
      'POST',
      `/api/operator/decisions/${file.decisions[0]?.id}/reverse`,
      {},
    )
    await eventually('the key on the other node', 1_000, async () => (await callCode()) === 'works')
  }
  await scratch.drop()
})
