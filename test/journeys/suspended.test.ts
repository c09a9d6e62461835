import assert from 'node:assert/strict'
import { test } from 'node:test'
import OpenAI from 'openai'
import { createKey, eventually, hello, openai, operatorOf } from '../harness/journey.ts'
import { mailTo, Person, signedUp } from '../harness/person.ts'
import { databases, startServer } from '../harness/server.ts'

type Decision = {
  id: string
  reason: string
  text: string
  may_appeal: boolean
  still_works: string[]
}
type Case = { id: string; decisions: Decision[] }

for (const database of databases)
  test(`suspended with a reason, appealed, reversed: the key works again (${database})`, async () => {
    await using server = await startServer({ database })
    const operator = await operatorOf(server)
    const { person, email, password, accountId } = await signedUp(server.origin)
    const key = await createKey(person)
    const client = openai(server, key.secret)

    // A stream is running when the decision falls.
    const long = { ...hello, messages: [{ role: 'user' as const, content: 'word '.repeat(4_000) }] }
    const stream = await client.chat.completions.create({ ...long, stream: true })
    const iterator = stream[Symbol.asyncIterator]()
    await iterator.next()

    await operator.expect(201, 'POST', `/api/operator/accounts/${accountId}/decisions`, {
      kind: 'suspend',
      reason: 'shared_key',
      text: 'Your key was used from eleven networks at once.',
    })
    const began = performance.now()
    await assert.rejects(async () => {
      for (;;) if ((await iterator.next()).done) throw new Error('the stream ended in silence')
    }, OpenAI.APIError)
    assert.ok(performance.now() - began < 1_000, 'a running stream ends within a second')
    await assert.rejects(
      client.chat.completions.create(hello),
      (error: unknown) =>
        error instanceof OpenAI.AuthenticationError && error.code === 'account_deactivated',
    )

    // The holder still signs in, reads the reason and appeals; a new key is not to be had.
    const again = new Person(server.origin)
    await again.expect(201, 'POST', '/api/sessions', { email, password })
    await mailTo(server.origin, email, 'decision')
    const { items: projects } = await again.expect<{ items: { id: string }[] }>(
      200,
      'GET',
      '/api/projects',
    )
    const refused = await again.expect<{ code: string }>(
      403,
      'POST',
      `/api/projects/${projects[0]?.id}/keys`,
      { name: 'Another' },
    )
    assert.equal(refused.code, 'account_suspended')
    const { items: cases } = await again.expect<{ items: Case[] }>(200, 'GET', '/api/cases')
    const decision = cases[0]?.decisions[0]
    assert.ok(cases[0] && decision)
    assert.match(decision.text, /eleven networks/)
    assert.ok(decision.may_appeal && decision.still_works.includes('appeal'))
    const appealPath = `/api/cases/${cases[0].id}/appeal`
    const appeal = await again.expect<{ id: string }>(201, 'POST', appealPath, {
      text: 'These are the eleven offices of one company.',
    })
    await again.expect(409, 'POST', appealPath, { text: 'Once more' })

    const stranger = await signedUp(server.origin)
    await stranger.person.expect(404, 'GET', `/api/appeals/${appeal.id}`)
    await stranger.person.expect(404, 'GET', `/api/cases/${cases[0].id}`)

    await operator.expect(200, 'POST', `/api/operator/appeals/${appeal.id}/decision`, {
      outcome: 'reverse',
      text: 'The offices are confirmed. We are sorry.',
    })
    await operator.expect(409, 'POST', `/api/operator/appeals/${appeal.id}/decision`, {
      outcome: 'uphold',
      text: 'Changed my mind',
    })
    await eventually('the key works again', 1_000, async () => {
      try {
        return await client.chat.completions.create(hello)
      } catch {
        return null
      }
    })
    const outcome = await again.expect<{ state: string; outcome_text: string }>(
      200,
      'GET',
      `/api/appeals/${appeal.id}`,
    )
    assert.equal(outcome.state, 'reversed')
    assert.match(outcome.outcome_text, /confirmed/)
    await mailTo(server.origin, email, 'appeal_decided')
  })
