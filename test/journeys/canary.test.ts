import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import * as oidc from 'openid-client'
import pg from 'pg'
import { createKey, operatorOf, projectOf } from '../harness/journey.ts'
import { answerPlainly, ModelServer, sendJson } from '../harness/model-server.ts'
import { attempt, authorize, discover, redeem, registerApp } from '../harness/oauth-browser.ts'
import { mailTo, Person } from '../harness/person.ts'
import { databases, startServer, type TestServer } from '../harness/server.ts'

const upstreamKey = 'canary-upstream-key-5f02c1a7d9'
const prompt = 'canary-prompt-ebb1c09a77'
const rootKey = Buffer.from('canary-root-key-0123456789abcdef')

/** Everything secret that the story below makes or uses, by what it is. */
class Canaries {
  readonly values = new Map<string, string>()
  add<T extends string | undefined>(what: string, value: T): T {
    assert.ok(value, `no ${what}`)
    this.values.set(what, value)
    return value
  }
  /** Short ones count only on their own: six digits may be part of any number. */
  foundIn(text: string): string[] {
    return [...this.values].flatMap(([what, value]) => {
      const at = value.length > 10 ? text.indexOf(value) : text.search(alone(value))
      return at < 0
        ? []
        : [`${what}: …${text.slice(Math.max(0, at - 80), at).replace(/\W+/g, ' ')}`]
    })
  }
}
const alone = (code: string) => new RegExp(`(?<![0-9A-Za-z])${code}(?![0-9A-Za-z])`)

/** Bodies of all refusals that anybody got, ours and the libraries' calls alike. */
function recordRefusals(t: { after(run: () => void): void }): string[] {
  const bodies: string[] = []
  const real = globalThis.fetch
  globalThis.fetch = async (...args) => {
    const response = await real(...args)
    if (response.status >= 400) bodies.push(await response.clone().text())
    return response
  }
  t.after(() => {
    globalThis.fetch = real
  })
  return bodies
}

for (const database of databases)
  test(`no secret is left in logs, metrics, refusals, files or rows (${database})`, async (t) => {
    const refusals = recordRefusals(t)
    const canaries = new Canaries()
    await using model = await new ModelServer((request, res, nth, socket) => {
      if (request.body.includes('echo'))
        return sendJson(res, 401, {
          error: { message: `Incorrect key ${upstreamKey}: ${prompt}`, code: 'invalid_api_key' },
        })
      if (request.body.includes('reset')) return socket.destroy()
      return answerPlainly(request, res, nth, socket)
    }).listen()
    await using server = await startServer({
      database,
      env: {
        LATCHKEY_UPSTREAMS: JSON.stringify([model.setting({ api_key: upstreamKey })]),
        LATCHKEY_ROOT_KEY: rootKey.toString('base64'),
        LATCHKEY_METRICS_TOKEN: canaries.add('metrics token', 'canary-metrics-token-91c7'),
      },
    })
    canaries.add('upstream key', upstreamKey)
    canaries.add('root key', rootKey.toString('latin1'))
    canaries.add('root key in base64', rootKey.toString('base64').slice(0, 40))
    canaries.add('root key in hex', rootKey.toString('hex'))
    canaries.add('prompt', prompt)
    canaries.add('operator link', server.welcome.operatorLink?.split('#')[1])

    const person = await account(server, canaries)
    await keysAndCalls(server, person, canaries)
    await apps(server, person, canaries)
    await operatorOf(server)
    await server.keys.touch(new Map()) // the database has been written by now

    const metrics = await fetch(`${server.origin}/metrics`, {
      headers: { authorization: 'Bearer canary-metrics-token-91c7' },
    })
    assert.equal(metrics.status, 200)
    assert.ok(refusals.length > 15, `${refusals.length} refusals were provoked`)
    assert.deepEqual(canaries.foundIn(refusals.join('\n')), [], 'in an answer')
    assert.deepEqual(canaries.foundIn(await metrics.text()), [], 'in the metrics')
    assert.ok(server.logLines.length > 20)
    assert.deepEqual(canaries.foundIn(server.logLines.join('')), [], 'in the log')
    for (const [name, content] of storedBytes(server.platform.config.dataDir))
      assert.deepEqual(canaries.foundIn(content), [], `in ${name}`)
    if (database === 'postgres')
      assert.deepEqual(canaries.foundIn(await dump(server)), [], 'in a row')
  })

async function account(server: TestServer, canaries: Canaries): Promise<Person> {
  const person = new Person(server.origin)
  const email = 'canary@example.com'
  const password = canaries.add('password', 'canary password lantern 61')
  const wrong = canaries.add('mistyped password', 'canary password lantern 16')
  const next = canaries.add('next password', 'canary harbour granite 99')
  await person.expect(202, 'POST', '/api/accounts', { name: 'Cana Ry', email, password })
  await person.expect(400, 'POST', '/api/accounts', { name: 7, email, password, code: wrong })
  const { code } = await mailTo(server.origin, email, 'verify_email')
  canaries.add('verification code', code)
  await person.request('POST', '/api/accounts/verify', { body: { email, code: '000000' } })
  await person.expect(204, 'POST', '/api/accounts/verify', { email, code })
  await person.expect(401, 'POST', '/api/sessions', { email, password: wrong })
  await person.expect(201, 'POST', '/api/sessions', { email, password })
  for (const [name, value] of person.cookies) canaries.add(`cookie ${name}`, value)
  await person.expect(202, 'POST', '/api/password/forgot', { email })
  const forgot = await mailTo(server.origin, email, 'reset_password')
  canaries.add('reset code', forgot.code)
  await person.request('POST', '/api/password/reset', {
    body: { email, code: '999999', password: next },
  })
  await person.expect(204, 'POST', '/api/password/reset', {
    email,
    code: forgot.code,
    password: next,
  })
  await person.request('GET', `/api/account?session=${person.cookies.get('lk_session') ?? ''}`)
  await person.expect(201, 'POST', '/api/sessions', { email, password: next })
  for (const [name, value] of person.cookies) canaries.add(`later cookie ${name}`, value)
  await person.request('GET', `/api/nothing?token=${person.cookies.get('lk_session')}`)
  return person
}

async function keysAndCalls(server: TestServer, person: Person, canaries: Canaries) {
  const key = await createKey(person)
  canaries.add('api key', key.secret)
  const rotated = await person.expect<{ secret: string }>(
    201,
    'POST',
    `/api/keys/${key.id}/rotate`,
    { overlap_seconds: 60 },
  )
  canaries.add('rotated api key', rotated.secret)
  const call = async (
    secret: string,
    content: string,
    more = {},
    path = '/v1/chat/completions',
  ) => {
    const response = await fetch(server.origin + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'm1', messages: [{ role: 'user', content }], ...more }),
    })
    await response.text()
    return response.status
  }
  assert.equal(await call(rotated.secret, prompt), 200)
  assert.equal(await call(key.secret, prompt, { stream: true }), 200)
  assert.equal(await call(rotated.secret, prompt, { model: 'none' }), 404)
  assert.equal(await call(rotated.secret, prompt, { n: -1 }), 400)
  assert.ok((await call(rotated.secret, `echo ${prompt}`)) >= 400)
  assert.ok((await call(rotated.secret, `reset ${prompt}`)) >= 400)
  assert.equal(await call(`${key.secret.slice(0, -1)}-`, prompt), 401)
  assert.equal(await call('', '', {}, `/v1/chat/completions?api_key=${key.secret}`), 400)
  await person.expect(400, 'POST', `/api/projects/${await projectOf(person)}/keys`, {
    name: 'x',
    secret: key.secret,
  })
  await person.expect(404, 'PATCH', `/api/keys/${key.secret}`, {
    name: 'pasted in the wrong place',
  })
  await person.expect(204, 'DELETE', `/api/keys/${key.id}`)
  assert.equal(await call(rotated.secret, prompt), 401)
}

async function apps(server: TestServer, person: Person, canaries: Canaries) {
  const app = await registerApp(person)
  canaries.add('client secret', app.client_secret)
  const config = await discover(server.origin, app)
  const started = await attempt(config)
  canaries.add('code verifier', started.verifier)
  const back = await authorize(person, started.url)
  canaries.add('authorization code', back.searchParams.get('code') ?? undefined)
  const tokens = await redeem(config, back, started)
  canaries.add('access token', tokens.access_token)
  canaries.add('refresh token', tokens.refresh_token)
  canaries.add('id token', tokens.id_token)
  for (const [name, value] of person.cookies) canaries.add(`cookie ${name} after consent`, value)
  const renewed = await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '')
  canaries.add('renewed access token', renewed.access_token)
  canaries.add('renewed refresh token', renewed.refresh_token)
  await oidc.tokenIntrospection(config, renewed.access_token)
  const form = (path: string, fields: Record<string, string>) =>
    fetch(server.origin + path, { method: 'POST', body: new URLSearchParams(fields) })
  const { client_id, client_secret = '' } = app
  for (const fields of [
    { grant_type: 'authorization_code', code: back.searchParams.get('code') ?? '', client_id },
    { grant_type: 'refresh_token', refresh_token: renewed.access_token, client_id, client_secret },
    { grant_type: client_secret, client_id, client_secret },
    { grant_type: 'refresh_token', refresh_token: 'x', client_id: client_secret, client_secret },
    {
      grant_type: 'refresh_token',
      refresh_token: 'x',
      client_id,
      client_secret: `${client_secret}x`,
    },
  ])
    assert.ok((await form('/oauth/token', fields)).status >= 400)
  server.clock.advance(120_000)
  await assert.rejects(oidc.refreshTokenGrant(config, tokens.refresh_token ?? '')) // a reuse
  await assert.rejects(oidc.refreshTokenGrant(config, renewed.refresh_token ?? ''))
  await fetch(`${server.origin}/v1/models`, {
    headers: { authorization: `Bearer ${renewed.access_token}` },
  })
  await fetch(`${server.origin}/oauth/userinfo?access_token=${renewed.access_token}`)
}

/** The bytes of every file the server keeps: database, write-ahead log, usage journal. */
function storedBytes(folder: string): [string, string][] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => [path, readFileSync(path, 'latin1')])
}

async function dump(server: TestServer): Promise<string> {
  const client = new pg.Client({
    connectionString: server.platform.config.databaseUrl?.reveal() ?? '',
  })
  await client.connect()
  const { rows: tables } = await client.query<{ name: string }>(
    `select table_name as name from information_schema.tables where table_schema = 'public'`,
  )
  const texts: string[] = []
  for (const { name } of tables)
    texts.push(JSON.stringify((await client.query(`select * from "${name}"`)).rows))
  await client.end()
  assert.ok(tables.length > 10)
  return texts.join('\n')
}
