import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { day, hour } from '../../server/src/platform/clock/clock.ts'
import { connected, enter, registerBox, start } from '../harness/device-box.ts'
import { eventually } from '../harness/journey.ts'
import {
  arrive,
  attempt,
  authorize,
  callback,
  discover,
  registerApp,
  signIn,
} from '../harness/oauth-browser.ts'
import { Person, signedUp } from '../harness/person.ts'
import { relyingParty } from '../harness/relying-party.ts'
import { databases, startServer, type TestServer } from '../harness/server.ts'

/** In days: still there after `kept`, gone after `gone`. `only`: which rows of the table ever end. */
type Fate = { kept: number; gone: number; only?: string } | { stays: string }

/**
 * Every table in which a row can come to its end. One that is new is to be named here, with who
 * forgets it when, or why nobody does.
 */
const fates: Record<string, Fate | Fate[]> = {
  challenges: { kept: 1, gone: 2 },
  sign_in_tickets: { kept: 0, gone: 1 },
  password_failures: { kept: 0, gone: 31 },
  outbox: { kept: 6, gone: 8 },
  logout_deliveries: { kept: 6, gone: 8 },
  oauth_client_secrets: { kept: 1, gone: 3, only: 'expires_at is not null' },
  oauth_clients: { kept: 29, gone: 31, only: 'organization_id is null' },
  oauth_artifacts: { kept: 179, gone: 190 },
  oauth_grants: { kept: 209, gone: 212 },
  sessions: { kept: 119, gone: 121 },
  devices: [
    { kept: 399, gone: 402, only: "kind = 'browser'" },
    { kept: 209, gone: 243, only: "kind = 'app'" },
  ],
  oauth_signing_keys: { stays: 'rotation.test.ts: it is removed a day after it was retired' },
  api_key_secrets: { stays: 'says why it is refused, and goes with its key' },
  api_keys: { stays: 'its usage is accounted for by its name' },
  decisions: { stays: 'it is what its person may appeal against and read again' },
}
/** What says that a row will end or has. */
const telling = /^(?:expires|ended|revoked|retired|consumed|settled|sent|until|empty)_at$|_until$/

const ends = Object.entries(fates).flatMap(([table, some]) =>
  [some].flat().flatMap((fate) => ('gone' in fate ? [{ table, only: 'true', ...fate }] : [])),
)

/** Leaves something of every kind behind, as people do who never come back. */
async function leftBehind(server: TestServer) {
  await using party = await relyingParty()
  const { person: maker } = await signedUp(server.origin)
  const { person, email, password } = await signedUp(server.origin)
  const app = await registerApp(maker, {
    token_endpoint_auth_method: 'client_secret_post',
    backchannel_logout_uri: party.uri,
  })
  const { client_id, client_secret = '' } = app
  const config = await discover(server.origin, app)
  const phone = new Person(server.origin)
  await phone.expect(201, 'POST', '/api/sessions', { email, password })
  await signIn(config, phone)
  await phone.expect(204, 'DELETE', '/api/sessions/current')
  await eventually('the app is told', 2_000, async () => {
    await server.oauth.deliverLogouts()
    return party.tokens.length === 1
  })
  await signIn(config, person)
  await authorize(person, (await attempt(config)).url) // a code that nobody redeems
  await arrive(new Person(server.origin), (await attempt(config)).url)
  const { url } = await attempt(config)
  const pushed = await fetch(`${server.origin}/oauth/par`, {
    method: 'POST',
    body: new URLSearchParams([...url.searchParams, ['client_secret', client_secret]]),
  })
  assert.equal(pushed.status, 201, await pushed.text())
  const box = await registerBox(maker)
  await connected(server, box, person)
  await enter(person, (await start(server, box)).user_code)
  await arrive(person, `${server.origin}/oauth/logout?client_id=${client_id}`)
  await maker.expect(201, 'POST', `/api/apps/${client_id}/inspection`, { temporary_secret: true })
  await maker.expect(200, 'POST', `/api/apps/${client_id}/secrets`, { overlap_seconds: 2 * 86_400 })
  const registered = await fetch(`${server.origin}/oauth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ redirect_uris: [callback] }),
  })
  assert.equal(registered.status, 201)
  await person.expect(202, 'POST', '/api/password/forgot', { email })
  const stranger = new Person(server.origin)
  await stranger.expect(401, 'POST', '/api/sessions', { email, password: 'not this one 42' })
  await stranger.expect(201, 'POST', '/api/sessions', { email, password })
  await new Person(server.origin).expect(409, 'POST', '/api/sessions', { email, password })
}

for (const database of databases)
  test(`${database}: whatever can end is forgotten in its time, and not before`, async () => {
    await using server = await startServer({
      database,
      env: {
        LATCHKEY_LOOPBACK_FETCH: 'allow',
        LATCHKEY_DEVICE_LIMIT: '3',
        LATCHKEY_DEVICE_POLICY: 'ask',
      },
    })
    const db = server.platform.database.tables<Record<string, object>>().query
    const count = async ({ table, only }: (typeof ends)[number]) => {
      const { rows } = await sql<{ n: number | string }>`select count(*) as n
        from ${sql.table(table)} where ${sql.raw(only)}`.execute(db)
      return Number(rows[0]?.n)
    }
    const columns = await (database === 'sqlite'
      ? sql<{ table: string; column: string }>`select m.name as "table", p.name as "column"
          from sqlite_master m join pragma_table_info(m.name) p where m.type = 'table'`
      : sql<{ table: string; column: string }>`select table_name as "table", column_name as "column"
          from information_schema.columns where table_schema = 'public'`
    ).execute(db)
    const ending = columns.rows.filter(({ column }) => telling.test(column))
    assert.deepEqual(
      [...new Set(ending.map(({ table }) => table))].filter((table) => !fates[table]),
      [],
      'tables whose rows end and of which nobody says who forgets them',
    )

    await leftBehind(server)
    const endless = await sql<{ model: string }>`select distinct model from oauth_artifacts
      where expires_at is null`.execute(db)
    const models = endless.rows.map(({ model }) => model)
    assert.deepEqual(models, ['Registration'], 'which goes with its client')

    let passed = 0
    const steps = ends.flatMap(({ kept, gone }) => [kept, gone])
    for (const at of [...new Set(steps)].sort((one, other) => one - other)) {
      const now = at === 0 ? 0 : at * day + hour
      server.clock.advance(now - passed)
      passed = now
      await server.sweep()
      await server.sweep() // what one has freed, the next takes
      for (const fate of ends) {
        const what = `${fate.table} where ${fate.only} after ${at} days`
        if (at <= fate.kept) assert.notEqual(await count(fate), 0, what)
        if (at >= fate.gone) assert.equal(await count(fate), 0, what)
      }
    }
  })
