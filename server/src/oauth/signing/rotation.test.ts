import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeProtectedHeader } from 'jose'
import { discover, registerApp, signIn } from '../../../../test/harness/oauth-browser.ts'
import { signedUp } from '../../../../test/harness/person.ts'
import { databases, startServer, type TestServer } from '../../../../test/harness/server.ts'
import { openKeyRing } from './key-ring.ts'
import { dueSteps, type KeyAge } from './rotation.ts'

const day = 86_400_000
type Published = { kid: string; alg: string } & Record<string, unknown>

const published = async (server: TestServer): Promise<Published[]> => {
  const response = await fetch(`${server.origin}/oauth/jwks`)
  const { keys } = (await response.json()) as { keys: Published[] }
  for (const key of keys)
    for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k'])
      assert.equal(key[secret], undefined, 'nothing private is published')
  return keys
}
const kids = async (server: TestServer) => (await published(server)).map(({ kid }) => kid).sort()

const machine = async (server: TestServer) => {
  const { person } = await signedUp(server.origin)
  const app = await registerApp(person, {
    redirect_uris: [],
    grant_types: ['client_credentials'],
    scope: 'models:read',
  })
  return async () => {
    const response = await fetch(`${server.origin}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: app.client_id,
        client_secret: app.client_secret ?? '',
      }),
    })
    const { access_token = '' } = (await response.json()) as { access_token?: string }
    return access_token
  }
}
const kidOf = (token: string) => decodeProtectedHeader(token).kid

for (const database of databases) {
  test(`a key is published a day before it signs and a day after; nothing is refused on the way (${database})`, async () => {
    await using server = await startServer({ database })
    const token = await machine(server)
    const good = async (one: string) =>
      assert.ok((await server.oauth.verifier.verify(one)).ok, 'no token is refused')
    const first = await kids(server)
    assert.equal(first.length, 2)
    const before = kidOf(await token())

    server.clock.advance(88 * day)
    await server.oauth.rotateKeys()
    assert.deepEqual(await kids(server), first, 'nothing is due')

    server.clock.advance(day)
    await server.oauth.rotateKeys()
    assert.equal((await kids(server)).length, 4, 'the next ones are published')
    assert.equal(kidOf(await token()), before, 'and sign nothing yet')

    server.clock.advance(day)
    const last = await token()
    assert.equal(kidOf(last), before)
    await server.oauth.rotateKeys()
    const next = await token()
    assert.notEqual(kidOf(next), before)
    await good(last)
    await good(next)
    assert.equal((await kids(server)).length, 4, 'the old ones still verify')

    server.clock.advance(day)
    await server.oauth.rotateKeys()
    const after = await kids(server)
    assert.equal(after.length, 2)
    assert.ok(first.every((kid) => !after.includes(kid)))
    await good(await token())
    assert.deepEqual(await server.oauth.verifier.verify(last), { ok: false, reason: 'malformed' })
    const lines = await server.audit.list({ limit: 10 })
    assert.equal(lines.filter(({ action }) => action === 'signing_key.rotated').length, 2)
  })

  test(`nodes that rotate at once agree, and one that slept verifies what the others sign (${database})`, async () => {
    await using server = await startServer({ database })
    const token = await machine(server)
    const nodes = await Promise.all(
      Array.from({ length: 4 }, () => openKeyRing({ ...server.platform, audit: server.audit })),
    )
    const [asleep, ...awake] = nodes
    assert.ok(asleep)
    const step = () =>
      Promise.all([server.oauth.rotateKeys(), ...awake.map(({ rotate }) => rotate())])
    server.clock.advance(89 * day)
    await step()
    server.clock.advance(day)
    await step()
    const seen = awake.map((node) =>
      node
        .all()
        .map(({ kid, state }) => `${kid} ${state}`)
        .join(),
    )
    assert.equal(new Set(seen).size, 1)
    assert.equal((await published(server)).length, 4)
    const signed = kidOf(await token()) ?? ''
    assert.equal(asleep.publicKey(signed), undefined)
    assert.ok(await asleep.seek(signed), 'looked up when it is needed')
  })
}

test('ID tokens of both algorithms verify across a rotation, by a client that reads the JWKS', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  for (const alg of ['ES256', 'RS256']) {
    const app = await registerApp(person, { id_token_signed_response_alg: alg })
    await signIn(await discover(server.origin, app), person)
  }
  server.clock.advance(89 * day)
  await server.oauth.rotateKeys()
  const all = await published(server)
  assert.deepEqual(all.map(({ alg }) => alg).sort(), ['ES256', 'ES256', 'RS256', 'RS256'])
})

test('unknown keys cause one look at the database in ten seconds, not one each', async () => {
  await using server = await startServer()
  const { database } = server.platform
  const ring = await openKeyRing({ ...server.platform, audit: server.audit })
  let reads = 0
  const { tables } = database
  database.tables = <T>() => {
    reads++
    return tables<T>()
  }
  await Promise.all(Array.from({ length: 50 }, (_, index) => ring.seek(`made-up-${index}`)))
  database.tables = tables
  assert.ok(reads <= 1, `${reads} reads`)
})

test('JWKS and metadata may be cached for five minutes and are told apart by their ETag', async () => {
  await using server = await startServer()
  for (const path of ['/oauth/jwks', '/.well-known/openid-configuration']) {
    const first = await fetch(server.origin + path)
    assert.equal(first.headers.get('cache-control'), 'public, max-age=300')
    const etag = first.headers.get('etag') ?? ''
    assert.match(etag, /^"[\w-]{43}"$/)
    const again = await fetch(server.origin + path, { headers: { 'if-none-match': etag } })
    assert.equal(again.status, 304)
    assert.equal(await again.text(), '')
    const other = await fetch(server.origin + path, { headers: { 'if-none-match': '"x"' } })
    assert.equal(other.status, 200)
  }
})

test('a server that slept for a year still publishes a day before it signs', () => {
  const key = (state: KeyAge['state'], fields: Partial<KeyAge>): KeyAge => ({
    kid: state,
    alg: 'ES256',
    state,
    createdAt: 0,
    activatedAt: null,
    retiredAt: null,
    ...fields,
  })
  const active = key('active', { activatedAt: 0 })
  const now = 365 * day
  assert.deepEqual(dueSteps([active], now), [{ kind: 'publish', alg: 'ES256' }])
  const pending = key('pending', { createdAt: now })
  assert.deepEqual(dueSteps([active, pending], now + day - 1), [])
  assert.deepEqual(dueSteps([active, pending], now + day), [
    { kind: 'activate', kid: 'pending', retire: 'active' },
  ])
})
