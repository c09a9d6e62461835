import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as oidc from 'openid-client'
import { operatorOf } from '../../../test/harness/journey.ts'
import { discover, registerApp, signIn } from '../../../test/harness/oauth-browser.ts'
import { mailTo, Person, signedUp } from '../../../test/harness/person.ts'
import { databases, startServer, type TestServer } from '../../../test/harness/server.ts'

const newPassword = 'velvet compass thunder 42'

/** A person on a laptop and a phone; an app is allowed on the phone. */
async function people(server: TestServer) {
  const { person: laptop, email, password, accountId } = await signedUp(server.origin)
  const maker = await signedUp(server.origin)
  const config = await discover(server.origin, await registerApp(maker.person))
  const phone = new Person(server.origin)
  await phone.expect(201, 'POST', '/api/sessions', { email, password })
  const tokens = await signIn(config, phone)
  /** What the app hears when it refreshes. */
  const told = async () => {
    try {
      await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '')
      return 'good'
    } catch (error) {
      assert.ok(error instanceof oidc.ResponseBodyError)
      const { error: code, reason, revoked_because } = error.cause as Record<string, string>
      return [code, reason, revoked_because].filter(Boolean).join(' ')
    }
  }
  const forgot = async () => {
    await laptop.expect(202, 'POST', '/api/password/forgot', { email })
    const { code } = await mailTo(server.origin, email, 'reset_password')
    await laptop.expect(204, 'POST', '/api/password/reset', { email, code, password: newPassword })
  }
  return { server, laptop, phone, email, password, accountId, told, forgot, config }
}
type Scene = Awaited<ReturnType<typeof people>>

type Ending = {
  act(scene: Scene): Promise<unknown>
  /** At the next visit of the phone's browser; null: there is nothing to tell. */
  browser: string | null
  /** `reason` and, where there is more to say, `revoked_because`. */
  app: string
  env?: Record<string, string>
}

const otherDevice = async ({ laptop }: Scene) => {
  type Devices = { items: { id: string; current: boolean }[] }
  const { items } = await laptop.expect<Devices>(200, 'GET', '/api/devices')
  return items.find(({ current }) => !current)?.id
}

const endings: Record<string, Ending> = {
  'signed out': {
    act: ({ phone }) => phone.expect(204, 'DELETE', '/api/sessions/current'),
    browser: null,
    app: 'revoked signed_out',
  },
  'ended from another device': {
    act: async (scene) =>
      scene.laptop.expect(204, 'DELETE', `/api/devices/${await otherDevice(scene)}`),
    browser: 'signed_out_elsewhere',
    app: 'revoked signed_out_elsewhere',
  },
  'all others ended': {
    act: ({ laptop }) => laptop.expect(204, 'DELETE', '/api/sessions'),
    browser: 'signed_out_elsewhere',
    app: 'revoked signed_out_elsewhere',
  },
  'one device too many': {
    act: async ({ server, laptop, email, password }) => {
      server.clock.advance(120_000)
      await laptop.expect(200, 'GET', '/api/account') // the phone is the one seen longest ago
      await new Person(server.origin).expect(201, 'POST', '/api/sessions', { email, password })
    },
    browser: 'device_limit',
    app: 'revoked device_limit',
    env: { LATCHKEY_DEVICE_LIMIT: '2', LATCHKEY_DEVICE_POLICY: 'end-oldest' },
  },
  'everything revoked': {
    act: ({ laptop }) => laptop.expect(204, 'POST', '/api/account/revoke-all', {}),
    browser: 'revoked_all',
    app: 'revoked revoked_all',
  },
  'everything revoked by an operator': {
    act: async ({ server, accountId }) =>
      (await operatorOf(server)).expect(
        204,
        'POST',
        `/api/operator/accounts/${accountId}/revoke-all`,
        { note: 'asked for by telephone' },
      ),
    browser: 'revoked_by_operator',
    app: 'revoked revoked_by_operator',
  },
  'password reset': {
    act: ({ forgot }) => forgot(),
    browser: 'password_reset',
    app: 'revoked password_reset',
  },
  'password changed': {
    act: ({ laptop, password }) =>
      laptop.expect(204, 'PUT', '/api/account/password', {
        current: password,
        password: newPassword,
      }),
    browser: 'password_changed',
    app: 'revoked password_changed',
  },
  'this wasn’t me': {
    act: async ({ server, email }) => {
      const { link = '' } = await mailTo(server.origin, email, 'new_device')
      const token = new URL(link).hash.slice(1)
      await new Person(server.origin).expect(204, 'POST', '/api/devices/not-me', { token })
    },
    browser: 'not_me',
    app: 'revoked not_me',
  },
  'app taken back': {
    act: async ({ laptop }) => {
      const { items } = await laptop.expect<{ items: { id: string }[] }>(200, 'GET', '/api/grants')
      await laptop.expect(204, 'DELETE', `/api/grants/${items[0]?.id}`)
    },
    browser: null,
    app: 'revoked access_removed',
  },
  suspended: {
    act: ({ server, accountId }) =>
      server.accounts.changeStanding({
        accountId,
        to: 'suspended',
        actor: { kind: 'system', name: 'test' },
        reason: 'test',
        evidence: {},
      }),
    browser: null, // it stays signed in, and its pages say so
    app: 'suspended',
  },
  closed: {
    act: ({ laptop, password }) => laptop.expect(204, 'DELETE', '/api/account', { password }),
    browser: 'closed',
    app: 'revoked closed',
  },
}

for (const database of databases)
  for (const [what, ending] of Object.entries(endings))
    test(`${database}: ${what}: the browser and the app are told so`, async () => {
      await using server = await startServer({ database, env: ending.env ?? {} })
      const scene = await people(server)
      await ending.act(scene)
      const { signed_out_reason } = await scene.phone.expect<{ signed_out_reason: string | null }>(
        200,
        'GET',
        '/api/console',
      )
      assert.equal(signed_out_reason, ending.browser)
      assert.equal(await scene.told(), `invalid_grant ${ending.app}`)
      assert.equal(await scene.told(), `invalid_grant ${ending.app}`, 'and again')
    })

test('another app learns nothing from a token that is not its own', async () => {
  await using server = await startServer()
  const scene = await people(server)
  const foreign = await discover(server.origin, await registerApp(scene.laptop))
  const { refresh_token = '' } = await signIn(scene.config, scene.laptop)
  await scene.laptop.expect(204, 'DELETE', '/api/sessions/current')
  await assert.rejects(oidc.refreshTokenGrant(foreign, refresh_token), (error) => {
    assert.ok(error instanceof oidc.ResponseBodyError)
    assert.equal((error.cause as Record<string, string>).revoked_because, undefined)
    return true
  })
})

test('the reason is told for seven days, then the token is unknown', async () => {
  await using server = await startServer()
  const { phone, told } = await people(server)
  await phone.expect(204, 'DELETE', '/api/sessions/current')
  assert.equal(await told(), 'invalid_grant revoked signed_out')
  server.clock.advance(8 * 24 * 3_600_000)
  await server.oauth.sweep()
  assert.equal(await told(), 'invalid_grant revoked')
})

test('support may end everything of a person, not of an operator; an auditor looks and ends nothing', async () => {
  await using server = await startServer()
  const staff = async (role: 'operator' | 'support' | 'auditor') => {
    const { person, email, password, accountId } = await signedUp(server.origin)
    await server.accounts.setRole(accountId, role, { kind: 'system', name: 'test' })
    await person.expect(201, 'POST', '/api/sessions', { email, password }) // a new role is a new session
    return { person, accountId }
  }
  const [operator, support, auditor] = [
    await staff('operator'),
    await staff('support'),
    await staff('auditor'),
  ]
  const anybody = await signedUp(server.origin)
  const end = (by: Person, { accountId }: { accountId: string }) =>
    by.post<{ code?: string }>(`/api/operator/accounts/${accountId}/revoke-all`, { note: 'asked' })
  assert.equal((await end(auditor.person, anybody)).status, 404)
  assert.equal((await end(support.person, operator)).body.code, 'operator_protected')
  for (const { person } of [operator, anybody]) await person.expect(200, 'GET', '/api/account')
  assert.equal((await end(support.person, anybody)).status, 204)
  await anybody.person.expect(401, 'GET', '/api/account')
  assert.equal((await end(operator.person, support)).status, 204)
  await support.person.expect(401, 'GET', '/api/account')
})

test('an operator ends everything of an account with a note in the audit log; who may not, finds nothing', async () => {
  await using server = await startServer()
  const { laptop, phone, email, accountId, password } = await people(server)
  const operator = await operatorOf(server)
  const path = `/api/operator/accounts/${accountId}/revoke-all`
  await laptop.expect(404, 'POST', path, { note: 'me' })
  await operator.expect(400, 'POST', path, {})
  await operator.expect(400, 'POST', path, { note: '   ' })
  await operator.expect(404, 'POST', '/api/operator/accounts/acct_none/revoke-all', { note: 'x' })
  await phone.expect(200, 'GET', '/api/account')
  await operator.expect(204, 'POST', path, { note: 'asked for by telephone' })
  for (const person of [laptop, phone]) await person.expect(401, 'GET', '/api/account')
  assert.match(
    (await mailTo(server.origin, email, 'signed_out_by_operator')).text,
    /API keys go on working/,
  )
  type Events = { items: { action: string; actor: object; detail: object }[] }
  const { items } = await operator.expect<Events>(
    200,
    'GET',
    `/api/operator/audit?subject=${accountId}`,
  )
  const event = items.find(({ action }) => action === 'account.revoked_all')
  assert.match(JSON.stringify(event), /asked for by telephone/)
  await laptop.expect(201, 'POST', '/api/sessions', { email, password })
})
