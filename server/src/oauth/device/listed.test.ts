import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  answer,
  box,
  connected,
  enter,
  poll,
  renew,
  start,
} from '../../../../test/harness/device-box.ts'
import { mailTo, Person } from '../../../../test/harness/person.ts'
import { databases, startServer, type TestServer } from '../../../../test/harness/server.ts'
import { day, minute } from '../../platform/clock/clock.ts'

type Device = {
  id: string
  name: string
  kind: string
  current: boolean
  address: string
  place: { kind: string; country: string | null }
  last_seen_at: string
  holds: {
    sessions: number
    grants: { id: string; client_name: string; renews_until: string | null }[]
  }
}

const devicesOf = async (person: Person) =>
  (await person.expect<{ items: Device[] }>(200, 'GET', '/api/devices')).items
const appsOf = async (person: Person) =>
  (await devicesOf(person)).filter(({ kind }) => kind === 'app')

const from = (address: string, agent = 'latchkey-cli/0.1.0 (linux)') => ({
  'x-forwarded-for': address,
  'user-agent': agent,
})
const proxied = { LATCHKEY_TRUSTED_PROXIES: '127.0.0.1' }

const verdict = async (server: TestServer, token: string) => {
  const judged = await server.oauth.verifier.verify(token)
  return judged.ok ? 'good' : judged.reason
}

for (const database of databases) {
  test(`${database}: what a code let in is a device with its name, place and app`, async () => {
    await using server = await startServer({ database, env: proxied })
    const { app, user } = await box(server)
    const { refresh_token } = await connected(server, app, user.person, from('8.8.8.8'))
    const [device] = await appsOf(user.person)
    assert.ok(device)
    assert.equal(device.name, 'Living-room box · latchkey-cli on Linux')
    assert.deepEqual([device.address, device.place.country], ['8.8.8.8', 'US'])
    const inChinese = { 'accept-language': 'zh' }
    const { body } = await user.person.get<{ items: Device[] }>('/api/devices', inChinese)
    const name = 'Living-room box · Linux 上的 latchkey-cli'
    assert.equal(body.items.find(({ kind }) => kind === 'app')?.name, name)
    assert.equal(device.current, false)
    assert.equal(device.holds.sessions, 0)
    assert.equal(device.holds.grants[0]?.client_name, 'Living-room box')
    const renewsUntil = Date.parse(device.holds.grants[0]?.renews_until ?? '')
    assert.ok(renewsUntil > server.clock.now() + 6 * day, 'it can renew')

    server.clock.advance(5 * minute)
    const renewed = await renew(server, app, refresh_token, from('114.114.114.114'))
    assert.equal(renewed.status, 200)
    const [later] = await appsOf(user.person)
    assert.deepEqual([later?.address, later?.place.country], ['114.114.114.114', 'CN'])
    assert.ok(Date.parse(later?.last_seen_at ?? '') >= Date.parse(device.last_seen_at) + 5 * minute)
    assert.ok(Date.parse(later?.holds.grants[0]?.renews_until ?? '') > renewsUntil)
  })

  test(`${database}: ending it ends its tokens, and no other device’s`, async () => {
    await using server = await startServer({ database })
    const { app, user } = await box(server)
    const [tv, radio] = [
      await connected(server, app, user.person),
      await connected(server, app, user.person),
    ]
    const [newest, older] = await appsOf(user.person)
    assert.ok(newest && older)
    await user.person.expect(204, 'DELETE', `/api/devices/${newest.id}`)
    assert.deepEqual(
      (await appsOf(user.person)).map(({ id }) => id),
      [older.id],
    )
    const [gone, stays] =
      (await verdict(server, radio.access_token)) === 'revoked' ? [radio, tv] : [tv, radio]
    assert.equal(await verdict(server, gone.access_token), 'revoked')
    assert.equal(await verdict(server, stays.access_token), 'good')
    const refused = await renew(server, app, gone.refresh_token)
    assert.deepEqual([refused.status, refused.reason], [400, 'revoked'])
    assert.equal((await renew(server, app, stays.refresh_token)).status, 200)
    await user.person.expect(200, 'GET', '/api/account')
    await user.person.expect(404, 'DELETE', `/api/devices/${newest.id}`)
  })

  test(`${database}: it outlives the browser that said yes, and ends with all others of another one`, async () => {
    await using server = await startServer({ database })
    const { app, user } = await box(server)
    const { person, email, password } = user
    const { access_token } = await connected(server, app, person)
    const other = new Person(server.origin)
    await other.expect(201, 'POST', '/api/sessions', { email, password })
    const said = (await devicesOf(other)).find(
      ({ kind, current }) => kind === 'browser' && !current,
    )
    await other.expect(204, 'DELETE', `/api/devices/${said?.id}`)
    await person.expect(401, 'GET', '/api/account')
    assert.equal(await verdict(server, access_token), 'good')
    assert.equal((await appsOf(other)).length, 1)
    await other.expect(204, 'DELETE', '/api/devices')
    assert.equal(await verdict(server, access_token), 'revoked')
    assert.equal((await devicesOf(other)).length, 1)
  })

  test(`${database}: when its app loses access, by whomever, the device is gone`, async () => {
    await using server = await startServer({ database })
    const { app, user } = await box(server)
    await connected(server, app, user.person)
    const { items } = await user.person.expect<{ items: { id: string }[] }>(
      200,
      'GET',
      '/api/grants',
    )
    await user.person.expect(204, 'DELETE', `/api/grants/${items[0]?.id}`)
    assert.deepEqual(await appsOf(user.person), [])

    const { refresh_token } = await connected(server, app, user.person)
    assert.equal((await appsOf(user.person)).length, 1)
    await fetch(`${server.origin}/oauth/revoke`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: app.client_id, token: refresh_token }),
    })
    assert.deepEqual(await appsOf(user.person), [])
  })

  test(`${database}: “this wasn’t me” in its mail cuts it off and takes the password away`, async () => {
    await using server = await startServer({ database, env: proxied })
    const { app, user } = await box(server)
    const stays = await connected(server, app, user.person, from('8.8.8.8'))
    const { access_token } = await connected(server, app, user.person, from('114.114.114.114'))
    const { text, link = '' } = await mailTo(server.origin, user.email, 'new_app_device')
    assert.match(
      text,
      /Living-room box · latchkey-cli on Linux, network address 114\.114\.114\.114 \(China\)/,
    )
    const anybody = new Person(server.origin)
    const token = new URL(link).hash.slice(1)
    await anybody.expect(204, 'POST', '/api/devices/not-me', { token })
    assert.equal(await verdict(server, access_token), 'revoked')
    assert.equal(await verdict(server, stays.access_token), 'good')
    const { email, password } = user
    await anybody.expect(401, 'POST', '/api/sessions', { email, password })
  })

  test(`${database}: a no and a code of somebody else leave no device and send no mail`, async () => {
    await using server = await startServer({ database })
    const { app, user, owner, started } = await box(server)
    await enter(user.person, started.user_code)
    assert.equal((await answer(owner.person, started.user_code, 'allow')).status, 404)
    assert.equal((await answer(user.person, started.user_code, 'deny')).status, 204)
    const raced = await start(server, app)
    await enter(user.person, raced.user_code)
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => answer(user.person, raced.user_code, 'allow')),
    )
    assert.equal(answers.filter(({ status }) => status === 204).length, 1)
    assert.equal((await appsOf(user.person)).length, 1)
    assert.deepEqual(await appsOf(owner.person), [])
    const mails = await server.mail.recent(100)
    assert.equal(mails.filter(({ kind }) => kind === 'new_app_device').length, 1)
  })

  test(`${database}: at the device limit a code asks which to end, and never ends the asking browser`, async () => {
    await using server = await startServer({ database, env: { LATCHKEY_DEVICE_LIMIT: '2' } })
    const { app, user } = await box(server)
    const first = await connected(server, app, user.person)
    const late = await start(server, app)
    await enter(user.person, late.user_code)
    const asked = await answer(user.person, late.user_code, 'allow')
    assert.deepEqual([asked.status, asked.body.code], [409, 'device_limit_reached'])
    const [only, ...more] = asked.body.devices ?? []
    assert.deepEqual([only?.name.split(' · ')[0], more], ['Living-room box', []])
    assert.equal((await poll(server, app, late.device_code)).error, 'authorization_pending')
    assert.equal(await verdict(server, first.access_token), 'good')
    const here = (await devicesOf(user.person)).find(({ current }) => current)
    const itself = { end_device_id: here?.id }
    assert.equal((await answer(user.person, late.user_code, 'allow', itself)).status, 409)

    const chosen = { end_device_id: only?.id }
    assert.equal((await answer(user.person, late.user_code, 'allow', chosen)).status, 204)
    assert.equal(await verdict(server, first.access_token), 'revoked')
    await user.person.expect(200, 'GET', '/api/account')
    assert.equal((await devicesOf(user.person)).length, 2)
  })
}

for (const [policy, status] of [
  ['end-oldest', 204],
  ['refuse', 409],
] as const)
  test(`at the device limit “${policy}” holds for codes, too`, async () => {
    const env = { LATCHKEY_DEVICE_LIMIT: '2', LATCHKEY_DEVICE_POLICY: policy }
    await using server = await startServer({ env })
    const { app, user } = await box(server)
    const first = await connected(server, app, user.person)
    const late = await start(server, app)
    await enter(user.person, late.user_code)
    assert.equal((await answer(user.person, late.user_code, 'allow')).status, status)
    assert.equal(
      await verdict(server, first.access_token),
      policy === 'refuse' ? 'good' : 'revoked',
    )
    await user.person.expect(200, 'GET', '/api/account')
  })
