import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createKey, projectOf } from '../../../test/harness/journey.ts'
import { Person, signedUp } from '../../../test/harness/person.ts'
import { databases, startServer } from '../../../test/harness/server.ts'
import { isNetwork, networkTest } from './allowed-ips.ts'
import { looksLikeKey, mintKey } from './api-key.ts'

type KeyBody = Record<string, unknown> & { id: string; secret?: string }

test('a key has its form and checksum, and no neighbour of it has', () => {
  let byte = 0
  const random = { bytes: (length: number) => Buffer.alloc(length, ++byte) }
  for (let i = 0; i < 20; i++) {
    const key = mintKey('sk-lk', 'svc', random)
    assert.match(key, /^sk-lk-svc_[0-9A-Za-z]{49}$/)
    assert.ok(looksLikeKey(key))
    for (let at = 0; at < key.length; at++) {
      const other = key[at] === 'a' ? 'b' : 'a'
      const changed = key.slice(0, at) + other + key.slice(at + 1)
      assert.ok(!looksLikeKey(changed), changed)
    }
  }
})

test('networks: what is one, and what lies in it', () => {
  for (const good of ['203.0.113.7', '0.0.0.0/0', '2001:db8::/32', '::1', '10.0.0.0/8'])
    assert.ok(isNetwork(good), good)
  for (const bad of [
    '',
    'x',
    '1.2.3',
    '1.2.3.4/33',
    '1.2.3.4/-1',
    '::/129',
    '1.2.3.4/8/8',
    '1.2.3.4/08',
    'fe80::1%eth0',
    '01.2.3.4',
  ])
    assert.ok(!isNetwork(bad), bad)
  const test = networkTest(['203.0.113.0/24', '2001:db8::/32'])
  assert.ok(test('203.0.113.255') && test('::ffff:203.0.113.1') && test('2001:db8::1'))
  assert.ok(!test('203.0.114.0') && !test('2001:db9::1') && !test('') && !test('localhost'))
})

for (const database of databases) {
  test(`a secret is in one answer and never again, and not in the database (${database})`, async () => {
    await using server = await startServer({ database })
    const { person } = await signedUp(server.origin)
    const key = await createKey(person, { name: 'Mine', type: 'svc' })
    assert.match(key.secret, /^sk-lk-svc_/)
    assert.equal(key.hint, `sk-lk-svc_…${key.secret.slice(-4)}`)
    const one = await person.expect<KeyBody>(200, 'GET', `/api/keys/${key.id}`)
    const list = await person.expect<{ items: KeyBody[] }>(
      200,
      'GET',
      `/api/projects/${key.project_id}/keys`,
    )
    assert.deepEqual(list.items, [one])
    assert.equal(one.secret, undefined)
    assert.ok(!JSON.stringify(list).includes(key.secret.slice(11, 40)))
    assert.ok(!server.logLines.join('').includes(key.secret))
    assert.equal((one.created_by as { name: string }).name, 'Ada Example')
    assert.ok(!(one.scopes as string[]).includes('keys:manage'))
  })

  test(`settings are kept as given, changed one by one, and taken away by null (${database})`, async () => {
    await using server = await startServer({ database })
    const { person } = await signedUp(server.origin)
    const given = {
      scopes: ['chat:write'],
      models: ['m1', 'm2'],
      allowed_ips: ['10.0.0.0/8'],
      declared_use: 'ci',
      limits: { requests_per_minute: 5, tokens_per_minute: null, concurrency: 2 },
      budget: { amount_micros: 5_000_000, period: 'month' },
      expires_at: '2030-01-01T00:00:00.000Z',
    }
    const key = await createKey(person, given)
    const read = () => person.expect<KeyBody>(200, 'GET', `/api/keys/${key.id}`)
    const kept = (body: KeyBody) =>
      Object.fromEntries(Object.keys(given).map((name) => [name, body[name]]))
    assert.deepEqual(kept(await read()), given)
    await person.expect(200, 'PATCH', `/api/keys/${key.id}`, { name: 'Other', models: null })
    assert.deepEqual(kept(await read()), { ...given, models: null })
    await person.expect(200, 'PATCH', `/api/keys/${key.id}`, {
      allowed_ips: null,
      limits: null,
      budget: null,
      declared_use: null,
      expires_at: null,
    })
    const bare = await read()
    assert.equal(bare.name, 'Other')
    assert.deepEqual(
      [bare.allowed_ips, bare.budget, bare.declared_use, bare.expires_at],
      [null, null, null, null],
    )
  })
}

test('another tenant’s keys are as if they did not exist', async () => {
  await using server = await startServer()
  const owner = await signedUp(server.origin)
  const key = await createKey(owner.person)
  const stranger = (await signedUp(server.origin)).person
  const own = await createKey(stranger)
  const nobody = new Person(server.origin)
  for (const [method, path, body] of [
    ['GET', `/api/keys/${key.id}`],
    ['PATCH', `/api/keys/${key.id}`, { name: 'Taken' }],
    ['PATCH', `/api/keys/${key.id}`, { state: 'disabled' }],
    ['DELETE', `/api/keys/${key.id}`],
    ['POST', `/api/keys/${key.id}/rotate`, {}],
    ['GET', `/api/projects/${key.project_id}/keys`],
    ['POST', `/api/projects/${key.project_id}/keys`, { name: 'Mine' }],
  ] as const) {
    const answer = await stranger.request(method, path, body ? { body } : {})
    const missing = await stranger.request(
      method,
      path.replace(/(key|proj)_[0-9a-z]+/, '$1_00000000000000000000000000'),
      body ? { body } : {},
    )
    assert.equal(answer.status, 404, `${method} ${path}`)
    const strip = (value: unknown) =>
      JSON.stringify(value).replaceAll(/req_\w+|(key|proj)_\w+/g, '')
    assert.equal(strip(answer.body), strip(missing.body), 'the same as for a missing one')
    assert.equal((await nobody.request(method, path, body ? { body } : {})).status, 401)
  }
  assert.equal(own.project_id === key.project_id, false)
})

test('what only the server decides is refused in a body', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const project = await projectOf(person)
  const privileged = [
    { id: 'key_x' },
    { account_id: 'acct_x' },
    { organization_id: 'org_x' },
    { state: 'active' },
    { secret: 'sk-lk-live_x' },
    { state_reason: null },
    { created_at: '2020-01-01T00:00:00Z' },
    { userId: 'x' },
    { hint: 'x' },
  ]
  for (const field of privileged)
    await person.expect(400, 'POST', `/api/projects/${project}/keys`, { name: 'x', ...field })
  for (const field of [
    { name: '' },
    { name: 'x'.repeat(101) },
    { scopes: [] },
    { scopes: ['admin'] },
    { allowed_ips: ['10.0.0.0/99'] },
    { allowed_ips: ['not-an-ip'] },
    { limits: { requests_per_minute: 0 } },
    { limits: { requests_per_minute: -1 } },
    { limits: { requests_per_minute: 1.5 } },
    { limits: { per_second: 1 } },
    { budget: { amount_micros: -1, period: 'day' } },
    { budget: { amount_micros: 1e300, period: 'day' } },
    { budget: { amount_micros: 1, period: 'year' } },
    { expires_at: 'tomorrow' },
    { expires_at: '2020-01-01T00:00:00Z' },
    { type: 'admin' },
    { declared_use: 'fun' },
  ])
    await person.expect(400, 'POST', `/api/projects/${project}/keys`, { name: 'x', ...field })
  const key = await createKey(person)
  await person.expect(400, 'PATCH', `/api/keys/${key.id}`, { type: 'svc' })
  await person.expect(400, 'PATCH', `/api/keys/${key.id}`, { state: 'revoked' })
  for (const seconds of [-1, 1.5, 30 * 86_400 + 1])
    await person.expect(400, 'POST', `/api/keys/${key.id}/rotate`, { overlap_seconds: seconds })
})

for (const database of databases)
  test(`twenty rotations at once leave one line each and working successors (${database})`, async () => {
    await using server = await startServer({ database })
    const { person } = await signedUp(server.origin)
    const key = await createKey(person)
    const rotated = await Promise.all(
      Array.from({ length: 20 }, () =>
        person.expect<{ secret: string }>(201, 'POST', `/api/keys/${key.id}/rotate`, {
          overlap_seconds: 0,
        }),
      ),
    )
    const statuses = await Promise.all(
      [key, ...rotated].map(async ({ secret }) => {
        const answer = await fetch(`${server.origin}/v1/models`, {
          headers: { authorization: `Bearer ${secret}` },
        })
        await answer.text()
        return answer.status
      }),
    )
    assert.equal(statuses.filter((status) => status === 200).length, 1, 'only the last one works')
    assert.equal(statuses[0], 401)
  })

test('a key disabled by an operator is not enabled by its owner, but may be revoked', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const key = await createKey(person)
  const set = (to: 'active' | 'disabled') =>
    server.keys.setState({
      keyId: key.id,
      to,
      reason: 'leaked',
      actor: { kind: 'system', name: 'leak report' },
    })
  assert.ok((await set('disabled')).ok)
  const refused = await person.expect<{ code: string }>(403, 'PATCH', `/api/keys/${key.id}`, {
    state: 'active',
  })
  assert.equal(refused.code, 'key_held')
  assert.ok((await set('active')).ok)
  await person.expect(200, 'PATCH', `/api/keys/${key.id}`, { state: 'disabled' })
  await person.expect(204, 'DELETE', `/api/keys/${key.id}`)
  await person.expect(404, 'GET', `/api/keys/${key.id}`)
  assert.deepEqual(await set('active'), { ok: false, reason: 'gone' })
})

test('every act on a key is in the audit log', async () => {
  await using server = await startServer()
  const { person, accountId } = await signedUp(server.origin)
  const key = await createKey(person)
  await person.expect(200, 'PATCH', `/api/keys/${key.id}`, { name: 'Other' })
  await person.expect(200, 'PATCH', `/api/keys/${key.id}`, { state: 'disabled' })
  await person.expect(200, 'PATCH', `/api/keys/${key.id}`, { state: 'active' })
  await person.expect(201, 'POST', `/api/keys/${key.id}/rotate`, {})
  await person.expect(204, 'DELETE', `/api/keys/${key.id}`)
  const lines = await server.audit.list({ subjectId: key.id, limit: 20 })
  assert.deepEqual(lines.map((line) => line.action).reverse(), [
    'key.created',
    'key.changed',
    'key.disabled',
    'key.enabled',
    'key.rotated',
    'key.revoked',
  ])
  assert.ok(lines.every((line) => line.actor.kind === 'account' && line.actor.id === accountId))
  assert.ok(!JSON.stringify(lines).includes(key.secret))
})
