import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { sql } from 'kysely'
import { hour } from '../../server/src/platform/clock/clock.ts'
import type { RouteEntry } from '../../server/src/platform/http/app.ts'
import { createKey, operatorOf, projectOf } from '../harness/journey.ts'
import { arrive, attempt, discover, registerApp, signIn } from '../harness/oauth-browser.ts'
import { Person, signedUp } from '../harness/person.ts'
import { startServer, type TestServer } from '../harness/server.ts'

/**
 * Who somebody is and what belongs to whom comes from the credential and the database. Generated
 * from the inventory: a route added tomorrow is tried too, and one with an id must say below whose.
 */
describe('nothing of somebody else can be read, changed or told apart from nothing', () => {
  let server: TestServer
  let operator: Person
  let victim: Person
  let attacker: Person
  /** What the victim has, by the collection in the path. */
  let owned: Record<string, string>
  let transactions: string

  before(async () => {
    server = await startServer()
    operator = await operatorOf(server)
    const signed = await signedUp(server.origin, { name: 'Vera Victim' })
    victim = signed.person
    attacker = (await signedUp(server.origin, { name: 'Adam Attacker' })).person
    const key = await createKey(victim)
    const app = await registerApp(victim)
    const config = await discover(server.origin, app)
    await signIn(config, victim)
    const page = await arrive(victim, (await attempt(config, { prompt: 'consent' })).url)
    transactions = /tx=(.+)$/.exec(page)?.[1] ?? assert.fail(page)
    const first = async (path: string) =>
      (await victim.expect<{ items: { id: string }[] }>(200, 'GET', path)).items[0]?.id ?? ''
    await operator.expect(201, 'POST', `/api/operator/accounts/${signed.accountId}/decisions`, {
      kind: 'warn', // more than that would end the grant
      reason: 'shared_key',
      text: 'Seen on eleven networks.',
    })
    const cases = await first('/api/cases')
    const appeal = await victim.expect<{ id: string }>(201, 'POST', `/api/cases/${cases}/appeal`, {
      text: 'It was me.',
    })
    owned = {
      projects: await projectOf(victim),
      keys: key.id,
      apps: app.client_id,
      sessions: await first('/api/sessions'),
      devices: await first('/api/devices'),
      grants: await first('/api/grants'),
      cases,
      appeals: appeal.id,
      transactions,
    }
    server.clock.advance(hour)
  })
  after(() => server[Symbol.asyncDispose]())

  const routes = () => server.inventory.filter(({ method }) => !/HEAD|OPTIONS/.test(method))
  const personFor = ({ access }: RouteEntry) => (access.auth === 'operator' ? operator : attacker)

  /** Bodies that pass validation, so that what is refused is refused for whose it is. */
  const bodies: Record<string, object> = {
    'POST /api/projects/:project_id/keys': { name: 'mine' },
    'PATCH /api/keys/:id': { name: 'mine', state: 'disabled' },
    'POST /api/keys/:id/rotate': { overlap_seconds: 0 },
    'PATCH /api/apps/:client_id': { name: 'mine' },
    'POST /api/apps/:client_id/secrets': { overlap_seconds: 0 },
    'POST /api/apps/:client_id/inspection': { temporary_secret: true },
    'PUT /api/apps/:client_id/logo': { data: 'AAAA' },
    'POST /api/cases/:id/appeal': { text: 'mine' },
    'POST /api/oauth/transactions/:id/decision': { decision: 'allow' },
  }

  test('an id of somebody else is answered like one that is nobody’s', async () => {
    const everything = () =>
      Promise.all(
        ['/api/account/export', '/api/sessions', '/api/cases', `/api/appeals/${owned.appeals}`].map(
          async (path) => {
            const found = await victim.expect<Record<string, unknown>>(200, 'GET', path)
            return { ...found, exported_at: null }
          },
        ),
      )
    const earlier = await everything()
    const tried: string[] = []
    for (const route of routes()) {
      if (!route.url.includes(':') || route.access.auth !== 'session') continue
      const name = `${route.method} ${route.url}`
      const collection = /\/([a-z]+)\/:/.exec(route.url)?.[1] ?? ''
      const theirs = owned[collection]
      assert.ok(theirs, `whose is the id in ${name}?`)
      const nobodys = theirs.slice(0, -4) + (theirs.endsWith('0000') ? '1111' : '0000')
      const ask = async (id: string) => {
        const { status, body } = await attacker.request<Record<string, unknown>>(
          route.method,
          route.url.replace(/:\w+/, id),
          route.method === 'GET' || route.method === 'DELETE' ? {} : { body: bodies[name] ?? {} },
        )
        const { request_id, instance, ...rest } = body
        return { status, ...rest }
      }
      const answer = await ask(theirs)
      assert.deepEqual(answer, await ask(nobodys), name)
      assert.equal(answer.status, 404, name)
      tried.push(name)
    }
    assert.ok(tried.length >= 12, tried.join())
    assert.deepEqual(await everything(), earlier, 'and nothing of it has changed')
  })

  test('reading changes nothing, also where another site makes the browser read', async () => {
    const { database } = server.platform
    const kept = async () => {
      const tables = await sql<{ name: string }>`
        select name from sqlite_master where type = 'table' and name not like 'sqlite%'`.execute(
        database.tables<Record<string, object>>().query,
      )
      const rows: Record<string, unknown> = {}
      for (const { name } of tables.rows) {
        const found = await sql<Record<string, unknown>>`select * from ${sql.table(name)}`.execute(
          database.tables<Record<string, object>>().query,
        )
        // When somebody was last seen is no decision of anybody.
        rows[name] = found.rows.map(({ last_seen_at, last_used_at, ...row }) => row)
      }
      return rows
    }
    const earlier = await kept()
    let read = 0
    for (const route of routes()) {
      if (route.method !== 'GET' || /^\/(oauth|v1)\//.test(route.url)) continue
      if (route.access.auth === 'operator') continue // looking at an appeal is written down
      const collection = /\/([a-z]+)\/:/.exec(route.url)?.[1] ?? ''
      const path = route.url.replace(/:\w+/, owned[collection] ?? 'none').replace('*', '')
      for (const method of ['GET', 'HEAD']) {
        await victim.request(method, path, {
          headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'image' },
        })
        read++
      }
    }
    assert.ok(read > 40, `${read} routes read`)
    assert.deepEqual(await kept(), earlier)
  })

  test('a filter does not open what belongs to somebody else', async () => {
    const get = (query: string) => attacker.expect<object>(200, 'GET', query)
    assert.deepEqual(await get(`/api/calls?key_id=${owned.keys}`), { items: [] })
    for (const route of routes()) {
      if (route.method !== 'GET' || route.access.auth !== 'session') continue
      if (route.url.includes(':') || route.url.includes('export')) continue
      const foreign = Object.entries(owned).map(([name, id]) => `${name.slice(0, -1)}_id=${id}`)
      for (const query of [...foreign, 'account_id=all', 'organization_id=all', 'role=operator']) {
        const plain = await attacker.get<object>(route.url)
        const asked = await attacker.get<object>(`${route.url}?${query}`)
        if (asked.status === 400) continue // it knows no such filter
        const same = JSON.stringify(asked.body) === JSON.stringify(plain.body)
        const empty = JSON.stringify((asked.body as { items?: [] }).items) === '[]'
        assert.ok(same || empty, `${route.url}?${query}`)
      }
    }
  })

  test('no write route takes a field that is not its own', async () => {
    const privileged: Record<string, unknown> = {
      id: 'acct_00000000000000000000000000',
      account: {},
      isAdmin: true,
      is_operator: true,
      verified: true,
      emailVerified: true,
      email_verified: true,
      email_verified_at: 1,
      phone_verified: true,
      roles: ['operator'],
      status: 'active',
      standing: 'active',
      epoch: 0,
      price: 0,
      cost_micros: 0,
      spent_micros: 0,
      credit_micros: 1,
      created_by: { id: 'x' },
      created_at: '2020-01-01T00:00:00Z',
      last_used_at: null,
      secret: 'sk-lk-live_chosen',
      secret_digest: 'x',
      passwordHash: 'x',
      password_hash: 'x',
      hint: 'abcd',
      verified_client: true,
      trusted: true,
      legacyConfidential: true,
      decided_by: 'x',
      session_id: 'x',
    }
    for (const [name, id] of Object.entries({
      account: 'acct_x',
      organization: 'org_x',
      ...owned,
    })) {
      privileged[`${name}_id`] = id
      privileged[`${name}Id`] = id
    }
    privileged.role = 'operator'
    privileged.state = 'active'
    const document = server.app.swagger() as {
      paths?: Record<string, Record<string, { requestBody?: { content: Content } }>>
    }
    type Content = Record<string, { schema: { properties?: object; $ref?: string } }>
    const components = (server.app.swagger() as { components?: { schemas?: object } }).components
    let checked = 0
    for (const route of routes()) {
      if (route.method === 'GET' || !route.url.startsWith('/api/')) continue
      const path = route.url.replaceAll(/:(\w+)/g, '{$1}')
      const operation = document.paths?.[path]?.[route.method.toLowerCase()]
      const body = operation?.requestBody?.content['application/json']?.schema
      if (!body) continue // it reads no body
      const schema = body.$ref
        ? ((components?.schemas ?? {}) as Record<string, { properties?: object }>)[
            body.$ref.split('/').at(-1) ?? ''
          ]
        : body
      const own = Object.keys(schema?.properties ?? {})
      assert.ok(own.length > 0, `${route.method} ${route.url} has no fields?`)
      const foreign = Object.keys(privileged).filter((name) => !own.includes(name))
      if (checked++ % 15 === 0) server.clock.advance(10 * 60_000)
      const answer = await personFor(route).request<{ errors?: { field: string; code: string }[] }>(
        route.method,
        route.url.replaceAll(/:\w+/g, 'none_00000000000000000000000000'),
        { body: Object.fromEntries(foreign.map((name) => [name, privileged[name]])) },
      )
      const what = `${route.method} ${route.url}: ${JSON.stringify(answer.body)}`
      assert.equal(answer.status, 400, what)
      const refused = (answer.body.errors ?? [])
        .filter(({ code }) => code === 'unknown_field')
        .map(({ field }) => field)
      assert.deepEqual(refused.sort(), foreign.sort(), what)
    }
    assert.ok(checked > 20, `${checked} routes with a body`)
    const account = await attacker.expect<{ role: unknown }>(200, 'GET', '/api/account')
    assert.equal(account.role, null)
  })

  test('a key is not to be had for somebody else by saying so, with a session or without', async () => {
    const path = `/api/projects/${owned.projects}/keys`
    const body = { name: 'x', accountId: 'acct_x', userId: 'acct_x' }
    assert.equal((await new Person(server.origin).post(path, body)).status, 401)
    assert.equal((await attacker.post(path, body)).status, 400)
    assert.equal((await attacker.post(path, { name: 'x' })).status, 404)
  })
})

test('a name that reads as another one is refused, wherever people name a thing', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const project = await projectOf(person)
  const redirect_uris = ['https://app.example/callback']
  for (const name of ['Bank\u202Eelif', 'a\nb', 'a\u0007', '\u001b[31mred', 'a\u2028b', '\u200b']) {
    await person.expect(400, 'POST', '/api/apps', { name, redirect_uris })
    await person.expect(400, 'POST', '/api/projects', { name })
    await person.expect(400, 'POST', `/api/projects/${project}/keys`, { name })
    await person.expect(400, 'PATCH', '/api/account', { name })
  }
  for (const name of ['服务器 一号', 'می‌خواهم', "O'Neil & <b>Söhne</b>"])
    await person.expect(201, 'POST', '/api/projects', { name })
})
