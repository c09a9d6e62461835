import assert from 'node:assert/strict'
import { test } from 'node:test'
import { discover, registerApp, signIn } from '../../../test/harness/oauth-browser.ts'
import { Person, signedUp } from '../../../test/harness/person.ts'
import { databases, startServer, type TestServer } from '../../../test/harness/server.ts'
import { day } from '../platform/clock/clock.ts'

type Device = {
  id: string
  name: string
  current: boolean
  holds: { sessions: number; grants: { id: string; client_name: string }[] }
}

const devicesOf = async (person: Person) =>
  (await person.expect<{ items: Device[] }>(200, 'GET', '/api/devices')).items

const reasonTold = async (person: Person) =>
  (await person.expect<{ signed_out_reason: string | null }>(200, 'GET', '/api/console'))
    .signed_out_reason

/** A person on two devices, each with an app allowed on it. */
async function twoDevices(server: TestServer) {
  const { person: laptop, email, password, accountId } = await signedUp(server.origin)
  const config = await discover(server.origin, await registerApp(laptop))
  const phone = new Person(server.origin)
  await phone.expect(201, 'POST', '/api/sessions', { email, password })
  const tokens = { laptop: await signIn(config, laptop), phone: await signIn(config, phone) }
  const verdict = async (which: 'laptop' | 'phone') => {
    const judged = await server.oauth.verifier.verify(tokens[which].access_token)
    return judged.ok ? 'good' : judged.reason
  }
  return { laptop, phone, email, password, accountId, config, verdict }
}

for (const database of databases) {
  test(`${database}: a device shows its sessions and apps, and ending it ends just those`, async () => {
    await using server = await startServer({ database })
    const { laptop, phone, email, password, verdict } = await twoDevices(server)
    const other = (await devicesOf(laptop)).find((device) => !device.current)
    assert.equal(other?.holds.sessions, 1)
    assert.deepEqual(
      other?.holds.grants.map((grant) => grant.client_name),
      ['Example App'],
    )
    assert.equal(await verdict('phone'), 'good')

    await laptop.expect(204, 'DELETE', `/api/devices/${other?.id}`)
    await phone.expect(401, 'GET', '/api/account')
    assert.equal(await verdict('phone'), 'revoked')
    assert.equal(await reasonTold(phone), 'signed_out_elsewhere')
    assert.equal(await verdict('laptop'), 'good')
    const left = await devicesOf(laptop)
    assert.deepEqual(
      left.map(({ current, holds }) => [current, holds.grants.length]),
      [[true, 1]],
    )
    await laptop.expect(404, 'DELETE', `/api/devices/${other?.id}`)

    // Its cookie is worth nothing: the same browser comes back as a device that nobody knows.
    await phone.expect(201, 'POST', '/api/sessions', { email, password })
    assert.equal(await reasonTold(phone), null)
    const back = (await devicesOf(phone)).find((device) => device.current)
    assert.notEqual(back?.id, other?.id)
  })

  test(`${database}: somebody else’s device looks like none`, async () => {
    await using server = await startServer({ database })
    const { laptop, verdict } = await twoDevices(server)
    const { person: eve } = await signedUp(server.origin)
    for (const device of await devicesOf(laptop))
      await eve.expect(404, 'DELETE', `/api/devices/${device.id}`)
    await eve.expect(204, 'DELETE', '/api/devices')
    assert.equal(await verdict('laptop'), 'good')
    assert.equal(await verdict('phone'), 'good')
    assert.equal((await devicesOf(eve)).length, 1)
  })

  test(`${database}: all other devices end, this one and its apps stay`, async () => {
    await using server = await startServer({ database })
    const { laptop, phone, verdict } = await twoDevices(server)
    await laptop.expect(204, 'DELETE', '/api/devices')
    await phone.expect(401, 'GET', '/api/account')
    assert.deepEqual([await verdict('laptop'), await verdict('phone')], ['good', 'revoked'])
    const [only, ...more] = await devicesOf(laptop)
    assert.ok(only?.current)
    assert.deepEqual(more, [])

    await laptop.expect(204, 'DELETE', `/api/devices/${only?.id}`)
    assert.equal(await verdict('laptop'), 'revoked')
    assert.equal(laptop.cookies.get('lk_session'), undefined)
    assert.equal(await reasonTold(laptop), null)
  })

  test(`${database}: of 20 who end one device at once one does`, async () => {
    await using server = await startServer({ database })
    const { laptop } = await twoDevices(server)
    const other = (await devicesOf(laptop)).find((device) => !device.current)
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => laptop.request('DELETE', `/api/devices/${other?.id}`)),
    )
    assert.equal(answers.filter(({ status }) => status === 204).length, 1)
    assert.equal(answers.filter(({ status }) => status === 404).length, 19)
  })

  test(`${database}: a device whose session ran out still shows the app on it, and says expired`, async () => {
    await using server = await startServer({ database })
    const { laptop, phone, email, password } = await twoDevices(server)
    server.clock.advance(15 * day)
    assert.equal(await reasonTold(phone), 'expired')
    await laptop.expect(201, 'POST', '/api/sessions', { email, password })
    const other = (await devicesOf(laptop)).find((device) => !device.current)
    assert.deepEqual([other?.holds.sessions, other?.holds.grants.length], [0, 1])
    await laptop.expect(204, 'DELETE', `/api/devices/${other?.id}`)
    assert.equal((await devicesOf(laptop)).length, 1)
  })

  test(`${database}: an app goes on through a new sign-in and ends with that session`, async () => {
    await using server = await startServer({ database })
    const { laptop, email, password, verdict } = await twoDevices(server)
    await laptop.expect(201, 'POST', '/api/sessions', { email, password })
    assert.equal(await verdict('laptop'), 'good')
    const held = (await devicesOf(laptop)).find((device) => device.current)
    assert.deepEqual([held?.holds.sessions, held?.holds.grants.length], [1, 1])
    await laptop.expect(204, 'DELETE', '/api/sessions/current')
    assert.equal(await verdict('laptop'), 'revoked')
  })

  test(`${database}: somebody else who signs in on the browser takes no apps over`, async () => {
    await using server = await startServer({ database })
    const { laptop, verdict } = await twoDevices(server)
    const eve = await signedUp(server.origin)
    const { email, password } = eve
    await laptop.expect(201, 'POST', '/api/sessions', { email, password })
    assert.equal(await verdict('laptop'), 'revoked')
    assert.ok((await devicesOf(laptop)).every((device) => device.holds.grants.length === 0))
  })
}
