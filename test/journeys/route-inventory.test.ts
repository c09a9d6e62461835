import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { hour, minute } from '../../server/src/platform/clock/clock.ts'
import type { RouteEntry } from '../../server/src/platform/http/app.ts'
import { operatorOf } from '../harness/journey.ts'
import { Person, signedUp } from '../harness/person.ts'
import { startServer, type TestServer } from '../harness/server.ts'

/**
 * Generated from the inventory: every route there is, also the one added tomorrow, is tried without
 * credentials, from another site, and by somebody without the role.
 */
describe('every route keeps its policy', () => {
  let server: TestServer
  let routes: RouteEntry[]
  before(async () => {
    server = await startServer()
    routes = server.inventory.filter(
      (route) => route.method !== 'HEAD' && route.method !== 'OPTIONS',
    )
  })
  after(() => server[Symbol.asyncDispose]())

  /** Somebody new, after the throttles have forgotten what the test before did. */
  const newcomer = () => {
    server.clock.advance(hour)
    return signedUp(server.origin)
  }
  const pathOf = (route: RouteEntry) =>
    route.url.replaceAll(/:\w+/g, 'none_00000000000000000000000000').replaceAll('*', 'none')
  const unsafe = (route: RouteEntry) => route.method !== 'GET'
  const send = (person: Person, route: RouteEntry, headers: Record<string, string> = {}) =>
    person.request<{ code?: string }>(route.method, pathOf(route), {
      headers,
      ...(unsafe(route) ? { body: {} } : {}),
    })

  test('the inventory knows the routes', () => {
    assert.ok(routes.length > 20, `only ${routes.length} routes`)
  })

  test('without a session, what needs one answers 401 before it looks at anything else', async () => {
    for (const route of routes.filter((entry) => entry.access.auth !== 'public')) {
      const { status, body } = await send(new Person(server.origin), route)
      assert.equal(status, 401, `${route.method} ${route.url}`)
      assert.equal(body.code, 'sign_in_required', `${route.method} ${route.url}`)
    }
  })

  test('a name that no query knows is refused by name, and a cursor that is none as well', async () => {
    const operator = await operatorOf(server)
    const readers = routes.filter(({ method, url }) => method === 'GET' && url.startsWith('/api/'))
    for (const route of readers) {
      server.clock.advance(minute) // this is more than anybody reads in one
      const asked = await operator.get<{ code: string; errors?: { field: string }[] }>(
        `${pathOf(route)}?never_heard_of=1`,
      )
      const named = asked.body.errors?.map(({ field }) => field)
      assert.equal(asked.status, 400, route.url)
      assert.ok(named?.includes('never_heard_of'), `${route.url} named ${named}`)
    }

    // A page cursor that is none would show an empty page, as if there were nobody.
    for (const path of ['accounts', 'cases', 'audit'])
      for (const cursor of ['zzz', '', `acct_${'0'.repeat(27)}`, "' or 1=1 --"]) {
        const query = new URLSearchParams({ cursor }).toString()
        const { status } = await operator.get(`/api/operator/${path}?${query}`)
        assert.equal(status, 400, `${path} ${cursor}`)
      }
  })

  test('a state-changing call from another site is refused', async () => {
    const { person } = await newcomer()
    const foreign: Record<string, string>[] = [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: '' },
      { origin: `${server.origin}.evil.example` },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'none' },
    ]
    const guarded = routes.filter(
      (route) => unsafe(route) && (route.access.origin ?? 'same-origin') === 'same-origin',
    )
    assert.ok(guarded.length > 10)
    for (const route of guarded)
      for (const headers of foreign) {
        const { status, body } = await send(person, route, headers)
        const what = `${route.method} ${route.url} with ${JSON.stringify(headers)}`
        assert.equal(status, 403, what)
        assert.equal(body.code, 'cross_origin_refused', what)
      }
  })

  test('an operator route is not there for an account without the role', async () => {
    const { person } = await newcomer()
    const operatorRoutes = routes.filter((route) => route.access.auth === 'operator')
    assert.ok(operatorRoutes.length > 5)
    for (const route of operatorRoutes) {
      const { status } = await send(person, route)
      assert.equal(status, 404, `${route.method} ${route.url}`)
    }
  })

  test('what changes who may get in needs a proof of the last ten minutes', async () => {
    const guarded = routes.filter(({ access }) => access.stepUp)
    assert.deepEqual(guarded.map(({ method, url }) => `${method} ${url}`).sort(), [
      'DELETE /api/account',
      'POST /api/apps/:client_id/inspection',
      'POST /api/keys/:id/rotate',
      'POST /api/operator/accounts/:id/role',
      'POST /api/projects/:project_id/keys',
      'PUT /api/account/password',
    ])
    const { person, email, password, accountId } = await newcomer()
    await server.accounts.setRole(accountId, 'operator', { kind: 'system', name: 'test' })
    await person.expect(401, 'GET', '/api/account') // a new role is a new session
    await person.expect(201, 'POST', '/api/sessions', { email, password })
    person.password = null
    server.clock.advance(10 * minute)
    for (const route of guarded) {
      const { status, body } = await send(person, route)
      assert.equal(status, 403, `${route.method} ${route.url}`)
      assert.equal(body.code, 'reauth_required', `${route.method} ${route.url}`)
    }
    const prove = '/api/sessions/current/prove'
    await person.expect(403, 'POST', prove, { password: 'wrong wrong wrong' })
    const before = person.cookies.get('lk_session')
    await person.expect(204, 'POST', prove, { password })
    assert.notEqual(person.cookies.get('lk_session'), before)
    for (const route of guarded)
      assert.notEqual((await send(person, route)).body.code, 'reauth_required', route.url)
    const old = new Person(server.origin)
    old.cookies.set('lk_session', before ?? '')
    await old.expect(401, 'GET', '/api/account')
  })

  test('nothing there is answers 500, whatever the body', async () => {
    const { person } = await newcomer()
    const bodies = [
      '{',
      '[]',
      'null',
      '"x"',
      '{"__proto__":{"x":1}}',
      '{"a":"\\u0000"}',
      '\xff\xfe',
    ]
    for (const route of routes.filter(unsafe)) {
      if (route.url === '/api/account' && route.method === 'DELETE') continue // closes the account
      for (const body of bodies) {
        const answer = await fetch(new URL(pathOf(route), server.origin), {
          method: route.method,
          redirect: 'manual',
          headers: {
            origin: server.origin,
            'content-type': 'application/json',
            cookie: [...person.cookies].map(([name, value]) => `${name}=${value}`).join('; '),
          },
          body: Buffer.from(body, 'latin1'),
        })
        await answer.arrayBuffer()
        assert.ok(answer.status < 500, `${route.method} ${route.url} ${body}: ${answer.status}`)
      }
    }
  })
})
