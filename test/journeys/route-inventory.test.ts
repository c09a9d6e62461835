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

  /** Whether an answer says that the call came from elsewhere. */
  const refusedAs = async (
    route: RouteEntry,
    cookie: string,
    headers: Record<string, string>,
  ): Promise<string> => {
    const answer = await fetch(new URL(pathOf(route), server.origin), {
      method: route.method,
      redirect: 'manual',
      headers: { cookie, 'content-type': 'application/json', ...headers },
      body: '{}',
    })
    const text = await answer.text()
    return answer.status === 403 ? (JSON.parse(text) as { code: string }).code : `${answer.status}`
  }
  const cookieOf = (person: Person) =>
    [...person.cookies].map(([name, value]) => `${name}=${value}`).join('; ')

  test('a state-changing call is answered for our own page alone, whatever else the browser says', async () => {
    const { person } = await newcomer()
    const cookie = cookieOf(person)
    const { port } = new URL(server.origin)
    const origins = [server.origin, 'https://evil.example', 'null', null]
    const sites = ['cross-site', 'same-site', 'none', null, 'same-origin']
    type Pair = [origin: string | null, site: string | null]
    const pairs: Pair[] = [
      ...origins.flatMap((origin) => sites.map((site): Pair => [origin, site])),
      [server.origin, 'Same-Origin'],
      [server.origin.replace(port, String(Number(port) - 1)), 'same-origin'],
      [`${server.origin}.evil.example`, 'same-origin'],
      [`${server.origin}/`, null],
      ['', null],
    ]
    const foreign = pairs.filter(
      ([origin, site]) => origin !== server.origin || (site !== null && site !== 'same-origin'),
    )
    const guarded = routes.filter(
      (route) => unsafe(route) && (route.access.origin ?? 'same-origin') === 'same-origin',
    )
    assert.ok(guarded.length > 10)
    assert.ok(foreign.length > 20)
    for (const route of guarded) {
      const told = await Promise.all(
        foreign.map(([origin, site]) =>
          refusedAs(route, cookie, {
            ...(origin === null ? {} : { origin }),
            ...(site === null ? {} : { 'sec-fetch-site': site }),
          }),
        ),
      )
      const answered = foreign.filter((_, at) => told[at] !== 'cross_origin_refused')
      assert.deepEqual(answered, [], `${route.method} ${route.url}`)
    }
  })

  test('what may be called from anywhere is the protocol, and none of it looks at a cookie', () => {
    const open = routes.filter(({ method, access }) => method !== 'GET' && access.origin === 'any')
    assert.deepEqual(
      open.filter(({ access }) => access.auth !== 'public').map(({ url }) => url),
      [],
    )
    const elsewhere = open
      .map(({ url }) => url)
      .filter((url) => !/^\/(oauth|\.well-known)\//.test(url))
    assert.deepEqual([...new Set(elsewhere)], ['/v1/oauth/token'])
  })

  test('no answer of the account API may be read by a page of another site', async () => {
    const { person } = await newcomer()
    const cookie = cookieOf(person)
    const origin = 'https://evil.example'
    for (const route of routes.filter(({ url }) => url.startsWith('/api/'))) {
      const read = await fetch(new URL(pathOf(route), server.origin), {
        method: route.method,
        headers: { cookie, origin },
      })
      const asked = await fetch(new URL(pathOf(route), server.origin), {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': route.method },
      })
      for (const answer of [read, asked]) {
        await answer.arrayBuffer()
        const allowed = [...answer.headers.keys()].filter((name) =>
          name.startsWith('access-control'),
        )
        assert.deepEqual(allowed, [], `${route.method} ${route.url}`)
      }
      assert.ok(!asked.ok, `OPTIONS ${route.url}`)
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
      'POST /api/account/revoke-all',
      'POST /api/apps',
      'POST /api/apps/:client_id/inspection',
      'POST /api/apps/:client_id/secrets',
      'POST /api/keys/:id/rotate',
      'POST /api/operator/accounts/:id/revoke-all',
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
