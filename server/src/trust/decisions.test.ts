import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Person, signedUp } from '../../../test/harness/person.ts'
import { databases, startServer, type TestServer } from '../../../test/harness/server.ts'
import { day } from '../platform/clock/clock.ts'

type Decision = {
  id: string
  kind: string
  decided_by_name?: string
  ended_at: string | null
  end_reason: string | null
  still_works: string[]
  may_appeal: boolean
  appeal: Appeal | null
}
type Case = {
  id: string
  state: string
  decisions: Decision[]
  evidence: { summary: string; detail?: unknown }[]
}
type Appeal = { id: string; state: string; outcome_text: string | null; first_look_due_at: string }
type Problem = { code: string }

let count = 0
/** The role is given as the start does it; the routes below are what is tested. */
async function staff(server: TestServer, role: 'operator' | 'reviewer' | 'auditor' | 'support') {
  const one = await signedUp(server.origin, { name: `${role} ${++count}` })
  await server.accounts.setRole(one.accountId, role, { kind: 'system', name: 'test' })
  const { email, password } = one // a new role is a new session
  await one.person.expect(201, 'POST', '/api/sessions', { email, password })
  return one
}

const decide = (by: Person, accountId: string, body: object) =>
  by.post<Case & Problem>(`/api/operator/accounts/${accountId}/decisions`, {
    reason: 'api_abuse',
    ...body,
  })
const stateOf = async (server: TestServer, accountId: string) =>
  (await server.accounts.standing(accountId))?.state

for (const database of databases) {
  test(`${database}: a suspension is decided, appealed against and reversed, and everybody is told`, async () => {
    await using server = await startServer({ database })
    const { origin } = server
    const operator = await staff(server, 'operator')
    const reviewer = await staff(server, 'reviewer')
    const subject = await signedUp(origin)
    const stranger = await signedUp(origin)

    const made = await decide(operator.person, subject.accountId, {
      kind: 'suspend',
      text: 'Please stop.',
      evidence: [
        { kind: 'signal', summary: '9,000 refusals in an hour', detail: { ip: '192.0.2.1' } },
      ],
    })
    assert.equal(made.status, 201, JSON.stringify(made.body))
    assert.equal(await stateOf(server, subject.accountId), 'suspended')
    assert.deepEqual(made.body.evidence[0]?.detail, { ip: '192.0.2.1' })
    const twice = await decide(operator.person, subject.accountId, { kind: 'suspend' })
    assert.deepEqual([twice.status, twice.body.code], [409, 'decision_in_force'])

    const mine = await subject.person.get<{ items: Case[] }>('/api/cases')
    assert.equal(mine.status, 200, 'a suspended account reads its cases')
    const [file] = mine.body.items
    assert.ok(file)
    const [decision] = file.decisions
    assert.deepEqual(decision?.still_works, ['sign_in', 'export', 'usage', 'appeal'])
    assert.equal(decision?.decided_by_name, undefined)
    assert.deepEqual(Object.keys(file.evidence[0] ?? {}).includes('detail'), false)
    assert.equal((await stranger.person.get(`/api/cases/${file.id}`)).status, 404)
    assert.equal(
      (await stranger.person.post(`/api/cases/${file.id}/appeal`, { text: 'x' })).status,
      404,
    )

    assert.equal(
      (await subject.person.post(`/api/cases/${file.id}/appeal`, { text: 'a'.repeat(2_001) }))
        .status,
      400,
    )
    const appeals = await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        subject.person.post<Appeal & Problem>(`/api/cases/${file.id}/appeal`, { text: `no ${i}` }),
      ),
    )
    const filed = appeals.filter((answer) => answer.status === 201)
    assert.equal(filed.length, 1, 'of many appeals at once one is kept')
    assert.ok(appeals.every(({ status }) => status === 201 || status === 409))
    const appeal = filed[0]?.body
    assert.ok(appeal)
    assert.equal((await stranger.person.get(`/api/appeals/${appeal.id}`)).status, 404)
    assert.equal((await subject.person.get(`/api/appeals/${appeal.id}`)).status, 200)

    const path = `/api/operator/appeals/${appeal.id}/decision`
    const outcome = { outcome: 'reverse', text: 'We were wrong.' }
    const own = await operator.person.post<Problem>(path, outcome)
    assert.deepEqual([own.status, own.body.code], [403, 'own_decision'])
    const looked = await reviewer.person.get<{ first_look_at: string | null }>(
      `/api/operator/appeals/${appeal.id}`,
    )
    assert.ok(looked.body.first_look_at)
    const reviews = await Promise.all(
      Array.from({ length: 6 }, () => reviewer.person.post<Problem>(path, outcome)),
    )
    assert.deepEqual(
      reviews.map(({ status }) => status).sort(),
      [200, 409, 409, 409, 409, 409],
      'an appeal is decided once',
    )
    assert.equal(await stateOf(server, subject.accountId), 'active')
    const after = await subject.person.get<Case>(`/api/cases/${file.id}`)
    assert.equal(after.body.state, 'closed')
    assert.equal(after.body.decisions[0]?.end_reason, 'reversed')
    assert.equal(after.body.decisions[0]?.appeal?.outcome_text, 'We were wrong.')

    const kinds = (await server.mail.recent(50))
      .filter((mail) => mail.to === subject.email)
      .map((mail) => mail.kind)
    for (const kind of ['decision', 'appeal_received', 'appeal_decided'])
      assert.equal(kinds.filter((one) => one === kind).length, 1, kind)
    assert.equal((await server.audit.verify()).ok, true)
  })

  test(`${database}: what is taken back is the state from before, also after other decisions`, async () => {
    await using server = await startServer({ database })
    const operator = await staff(server, 'operator')
    const subject = await signedUp(server.origin)
    const until = new Date(server.clock.now() + 2 * day).toISOString()
    const limited = await decide(operator.person, subject.accountId, { kind: 'limit', until })
    assert.equal(limited.status, 201)
    const suspended = await decide(operator.person, subject.accountId, { kind: 'suspend' })
    assert.equal(suspended.body.id, limited.body.id, 'one case while it lives')
    const suspension = suspended.body.decisions[1]
    assert.ok(suspension)
    const weaker = await decide(operator.person, subject.accountId, { kind: 'limit' })
    assert.equal(weaker.body.code, 'decision_in_force')

    const reverse = () =>
      operator.person.post<Problem>(`/api/operator/decisions/${suspension.id}/reverse`)
    const answers = await Promise.all([reverse(), reverse(), reverse()])
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409, 409])
    assert.equal(await stateOf(server, subject.accountId), 'limited', 'the limit is still in force')

    server.clock.advance(3 * day)
    const cases = await operator.person.get<{ items: Case[] }>('/api/operator/cases')
    assert.equal(cases.status, 200)
    const ended = cases.body.items[0]?.decisions[0]
    assert.equal(ended?.end_reason, 'expired', 'judged on read, before any job has run')
    assert.equal(await stateOf(server, subject.accountId), 'active')
  })

  test(`${database}: who may decide about whom`, async () => {
    await using server = await startServer({ database })
    const [one, two] = [await staff(server, 'operator'), await staff(server, 'operator')]
    const reviewer = await staff(server, 'reviewer')
    const support = await staff(server, 'support')
    const plain = await signedUp(server.origin)

    const self = await decide(one.person, one.accountId, { kind: 'warn' })
    assert.deepEqual([self.status, self.body.code], [403, 'own_account'])
    const upward = await decide(reviewer.person, one.accountId, { kind: 'warn' })
    assert.deepEqual([upward.status, upward.body.code], [403, 'operator_protected'])
    assert.equal((await decide(support.person, plain.accountId, { kind: 'warn' })).status, 404)
    assert.equal((await decide(plain.person, one.accountId, { kind: 'warn' })).status, 404)
    assert.equal((await decide(one.person, 'acct_missing', { kind: 'warn' })).status, 404)
    const endless = await decide(one.person, plain.accountId, {
      kind: 'warn',
      until: '2099-01-01T00:00:00Z',
    })
    assert.equal(endless.body.code, 'until_invalid')

    const both = await Promise.all([
      decide(one.person, two.accountId, { kind: 'suspend' }),
      decide(two.person, one.accountId, { kind: 'suspend' }),
    ])
    assert.equal(both.filter(({ status }) => status === 201).length, 1, 'one operator is left')

    const accounts = await support.person.get<{ items: unknown[] }>(
      '/api/operator/accounts?search=reviewer&limit=5',
    )
    assert.equal(accounts.body.items.length, 1)
    const detail = await support.person.get<{ sessions_count: number; state_changes: unknown[] }>(
      `/api/operator/accounts/${plain.accountId}`,
    )
    assert.equal(detail.body.sessions_count, 1)
    assert.equal((await support.person.get('/api/operator/audit')).status, 404)
    assert.equal((await plain.person.get('/api/operator/health')).status, 404)
    assert.equal((await support.person.get('/api/operator/health')).status, 200)
  })

  test(`${database}: the only operator may review, and the outcome says so; reduced is milder`, async () => {
    await using server = await startServer({ database })
    const operator = await staff(server, 'operator')
    const subject = await signedUp(server.origin)
    const made = await decide(operator.person, subject.accountId, { kind: 'suspend' })
    const filed = await subject.person.expect<Appeal>(
      201,
      'POST',
      `/api/cases/${made.body.id}/appeal`,
      { text: 'It was my build server.' },
    )
    server.clock.advance(6 * day)
    const due = await operator.person.get<{ items: { id: string; overdue: boolean }[] }>(
      '/api/operator/appeals?state=pending',
    )
    assert.deepEqual(
      due.body.items.map(({ id, overdue }) => ({ id, overdue })),
      [{ id: filed.id, overdue: true }],
    )
    const figures = await (await fetch(`${server.origin}/metrics`)).text()
    assert.match(figures, /^latchkey_appeals_overdue 1$/m)
    const decided = await operator.person.post<Appeal>(
      `/api/operator/appeals/${filed.id}/decision`,
      { outcome: 'reduce', text: 'A limit is enough.' },
    )
    assert.equal(decided.status, 200, JSON.stringify(decided.body))
    assert.equal(await stateOf(server, subject.accountId), 'limited')
    const mine = await subject.person.get<Appeal>(`/api/appeals/${filed.id}`)
    assert.match(mine.body.outcome_text ?? '', /reviewed by the person who took the decision/)
    const { body } = await subject.person.get<Case>(`/api/cases/${made.body.id}`)
    assert.deepEqual(
      body.decisions.map(({ kind, end_reason, may_appeal }) => ({ kind, end_reason, may_appeal })),
      [
        { kind: 'suspend', end_reason: 'reduced', may_appeal: false },
        { kind: 'limit', end_reason: null, may_appeal: false },
      ],
    )
  })

  test(`${database}: an appeal after 30 days is refused`, async () => {
    await using server = await startServer({ database })
    const operator = await staff(server, 'operator')
    const subject = await signedUp(server.origin)
    const made = await decide(operator.person, subject.accountId, { kind: 'warn' })
    assert.equal(await stateOf(server, subject.accountId), 'active', 'a warning changes nothing')
    server.clock.advance(31 * day)
    const fresh = await subject.person.post('/api/sessions', {
      email: subject.email,
      password: subject.password,
    })
    assert.equal(fresh.status, 201)
    const late = await subject.person.post<Problem>(`/api/cases/${made.body.id}/appeal`, {
      text: 'late',
    })
    assert.deepEqual([late.status, late.body.code], [409, 'appeal_too_late'])
  })
}
