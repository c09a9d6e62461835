import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as oidc from 'openid-client'
import {
  answer,
  box,
  deviceGrantType,
  enter,
  poll,
  deviceScope as scope,
  start,
} from '../../../../test/harness/device-box.ts'
import { discover, registerApp } from '../../../../test/harness/oauth-browser.ts'
import { Person, signedUp } from '../../../../test/harness/person.ts'
import { databases, startServer } from '../../../../test/harness/server.ts'
import type { Principal } from '../../platform/http/access.ts'
import { memoryRateLimiter } from '../../platform/limits/token-bucket.ts'
import { type DeviceDeps, openDeviceRequests } from './device-requests.ts'
import { readUserCode, userCodeLetters } from './user-code.ts'

for (const database of databases) {
  test(`a person enters the code, sees who asks, allows; the device gets tokens once (${database})`, async () => {
    await using server = await startServer({ database })
    const { app, user, started } = await box(server)
    assert.equal(started.verification_uri, `${server.origin}/device`)
    assert.equal(
      started.verification_uri_complete,
      `${server.origin}/device?user_code=${started.user_code}`,
    )
    assert.match(started.user_code, /^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/)
    assert.ok(started.expires_in <= 600)
    assert.equal(started.interval, 5)
    assert.equal((await poll(server, app, started.device_code)).error, 'authorization_pending')

    const typed = ` ${started.user_code.toLowerCase().replace('-', ' – ')} `
    const request = await user.person.expect<Record<string, unknown>>(
      200,
      'POST',
      '/api/oauth/device/claim',
      { user_code: typed },
    )
    assert.deepEqual(request.client, {
      client_id: app.client_id,
      name: 'Living-room box',
      logo_uri: null,
      described_by: null,
      verified: true,
    })
    const asked = request.scopes as { name: string }[]
    assert.deepEqual(
      asked.map(({ name }) => name),
      ['openid', 'email', 'offline_access', 'models:read'],
    )
    assert.match(String(request.address), /127\.0\.0\.1|::1/)
    assert.equal(request.same_network, true)
    server.clock.advance(5_000)
    assert.equal(
      (await poll(server, app, started.device_code)).error,
      'authorization_pending',
      'entering the code allows nothing',
    )
    assert.equal((await answer(user.person, typed, 'allow')).status, 204)

    const polls = await Promise.all(
      Array.from({ length: 20 }, () => poll(server, app, started.device_code)),
    )
    const got = polls.filter(({ status }) => status === 200)
    assert.equal(got.length, 1)
    assert.deepEqual(
      [...new Set(polls.filter(({ status }) => status !== 200).map(({ reason }) => reason))],
      ['reused'],
    )
    const judged = await server.oauth.verifier.verify(got[0]?.access_token ?? '')
    assert.ok(judged.ok)
    assert.equal(judged.token.accountId, user.accountId)
    assert.deepEqual(judged.token.scopes, ['models:read'])
    assert.ok(got[0]?.refresh_token && got[0].id_token)
    assert.equal((await answer(user.person, typed, 'allow')).status, 404)
  })

  test(`who enters a code first is the only one who sees and answers it (${database})`, async () => {
    await using server = await startServer({ database })
    const { app, user, started } = await box(server)
    const people = await Promise.all(Array.from({ length: 3 }, () => signedUp(server.origin)))
    const persons = [user, ...people].map(({ person }) => person)
    const entered = await Promise.all(persons.map((person) => enter(person, started.user_code)))
    const winner = persons[entered.findIndex(({ status }) => status === 200)]
    assert.ok(winner)
    assert.equal(entered.filter(({ status }) => status === 200).length, 1)
    const wrong = await enter(winner, 'BBBB-BBBB')
    for (const person of persons.filter((one) => one !== winner)) {
      const refused = await enter(person, started.user_code)
      assert.deepEqual([refused.status, refused.body.code], [wrong.status, wrong.body.code])
      assert.equal((await answer(person, started.user_code, 'allow')).status, 404)
      assert.equal((await answer(person, started.user_code, 'deny')).status, 404)
    }
    assert.equal((await poll(server, app, started.device_code)).error, 'authorization_pending')
    const both = await Promise.all([
      answer(winner, started.user_code, 'allow'),
      answer(winner, started.user_code, 'deny'),
    ])
    assert.deepEqual(both.map(({ status }) => status).sort(), [204, 404])
  })

  test(`another session of the same person may not answer either (${database})`, async () => {
    await using server = await startServer({ database })
    const { user, started } = await box(server)
    assert.equal((await enter(user.person, started.user_code)).status, 200)
    const elsewhere = new Person(server.origin)
    const { email, password } = user
    await elsewhere.expect(201, 'POST', '/api/sessions', { email, password })
    assert.equal((await answer(elsewhere, started.user_code, 'allow')).status, 404)
    assert.equal((await answer(user.person, started.user_code, 'allow')).status, 204)
  })

  test(`nobody allows what nobody entered, and a denied device hears so (${database})`, async () => {
    await using server = await startServer({ database })
    const { app, user, started } = await box(server)
    assert.equal((await answer(user.person, started.user_code, 'allow')).status, 404)
    await enter(user.person, started.user_code)
    assert.equal((await answer(user.person, started.user_code, 'deny')).status, 204)
    assert.equal((await poll(server, app, started.device_code)).error, 'access_denied')
    assert.equal((await answer(user.person, started.user_code, 'allow')).status, 404)
  })

  test(`codes end after ten minutes, and only their own client redeems them (${database})`, async () => {
    await using server = await startServer({ database })
    const { owner, app, user, started } = await box(server)
    const other = await registerApp(owner.person, {
      redirect_uris: [],
      grant_types: [deviceGrantType],
      token_endpoint_auth_method: 'none',
      scope,
    })
    await enter(user.person, started.user_code)
    await answer(user.person, started.user_code, 'allow')
    const stolen = await poll(server, other, started.device_code)
    assert.deepEqual([stolen.error, stolen.reason], ['invalid_grant', 'client_mismatch'])
    assert.equal((await poll(server, app, started.device_code)).status, 200)

    const late = await start(server, app)
    await enter(user.person, late.user_code)
    server.clock.advance(10 * 60_000)
    assert.equal((await answer(user.person, late.user_code, 'allow')).status, 404)
    assert.equal((await enter(user.person, late.user_code)).status, 404)
    assert.equal((await poll(server, app, late.device_code)).error, 'expired_token')
  })

  test(`a suspended account neither allows nor gets tokens (${database})`, async () => {
    await using server = await startServer({ database })
    const { app, user, started } = await box(server)
    await enter(user.person, started.user_code)
    const allowed = await start(server, app)
    await enter(user.person, allowed.user_code)
    assert.equal((await answer(user.person, allowed.user_code, 'allow')).status, 204)
    await server.accounts.changeStanding({
      actor: { kind: 'system', name: 'test' },
      reason: 'test',
      evidence: {},
      accountId: user.accountId,
      to: 'suspended',
    })
    assert.equal((await enter(user.person, started.user_code)).status, 403)
    assert.equal((await answer(user.person, started.user_code, 'allow')).status, 403)
    const refused = await poll(server, app, allowed.device_code)
    assert.deepEqual([refused.status, refused.error], [400, 'invalid_grant'])
  })
}

test('what a device was allowed outlives the browser session and ends with “Connected apps”', async () => {
  await using server = await startServer()
  const { app, user, started } = await box(server)
  await enter(user.person, started.user_code)
  await answer(user.person, started.user_code, 'allow')
  const { access_token = '' } = await poll(server, app, started.device_code)
  const { email, password } = user
  await user.person.expect(204, 'DELETE', '/api/sessions/current')
  assert.ok((await server.oauth.verifier.verify(access_token)).ok)
  await user.person.expect(201, 'POST', '/api/sessions', { email, password })
  const { items } = await user.person.expect<{ items: { id: string }[] }>(200, 'GET', '/api/grants')
  await user.person.expect(204, 'DELETE', `/api/grants/${items[0]?.id}`)
  assert.deepEqual(await server.oauth.verifier.verify(access_token), {
    ok: false,
    reason: 'revoked',
  })
})

test('a device that asks too fast is told to slow down, and is not held up once allowed', async () => {
  await using server = await startServer()
  const { app, user, started } = await box(server)
  assert.equal((await poll(server, app, started.device_code)).error, 'authorization_pending')
  assert.equal((await poll(server, app, started.device_code)).error, 'slow_down')
  server.clock.advance(5_000)
  assert.equal((await poll(server, app, started.device_code)).error, 'authorization_pending')
  await enter(user.person, started.user_code)
  await answer(user.person, started.user_code, 'allow')
  assert.equal((await poll(server, app, started.device_code)).status, 200)
})

test('guesses are counted by account, and right codes are not guesses', async () => {
  await using server = await startServer()
  const { app, user, started } = await box(server)
  for (let round = 0; round < 15; round++)
    assert.equal((await enter(user.person, started.user_code)).status, 200)
  const guess = (index: number) =>
    `BBBBBBB${userCodeLetters[index % userCodeLetters.length] ?? 'B'}`
  for (let index = 0; index < 10; index++)
    assert.equal((await enter(user.person, guess(index))).status, 404)
  const stopped = await enter(user.person, started.user_code)
  assert.deepEqual([stopped.status, stopped.body.code], [429, 'rate_limited'])
  assert.ok(Number(stopped.headers.get('retry-after')) > 0)
  assert.equal((await poll(server, app, started.device_code)).error, 'authorization_pending')
})

/** Wrong codes, asked directly: through the door thirty people take longer than the bound takes to move. */
function guesser() {
  const standing = { now: () => Date.UTC(2026, 0, 1) }
  const requests = openDeviceRequests({
    vault: { claim: async () => null },
    limiter: memoryRateLimiter(standing),
  } as unknown as DeviceDeps) // a wrong guess touches nothing else
  return async (who: number, address: string) => {
    const person = { accountId: `acct_${who}`, sessionId: `sess_${who}` } as Principal
    const answer = await requests.claim(person, 'BBBB-BBBB', address)
    return answer.ok ? 'right' : answer.reason
  }
}

test('everybody together gets a bounded number of guesses', async () => {
  const guess = guesser()
  const answers = []
  for (let index = 0; index < 40; index++)
    for (let again = 0; again < 8; again++) answers.push(await guess(index, `198.51.100.${index}`))
  assert.deepEqual([...new Set(answers.slice(0, 300))], ['code_unknown'])
  assert.deepEqual([...new Set(answers.slice(300))], ['too_many_codes'])
  const late = await guess(99, '198.51.100.99')
  assert.equal(late, 'too_many_codes', 'also for somebody who has not guessed yet')
})

test('one network gets a bounded number of guesses, with however many accounts', async () => {
  for (const address of [
    (_index: number) => '198.51.100.7',
    (index: number) => `2001:db8:1:2::${index + 1}`, // who has one of these has the whole /64
  ]) {
    const guess = guesser()
    const answers = []
    for (let index = 0; index < 24; index++) answers.push(await guess(index, address(index)))
    assert.deepEqual([...new Set(answers.slice(0, 20))], ['code_unknown'])
    assert.deepEqual([...new Set(answers.slice(20))], ['too_many_codes'])
    assert.equal(await guess(0, '203.0.113.9'), 'code_unknown', 'elsewhere nobody waits for them')
  }
})

test('only clients with the grant start it, and a signed-out browser enters nothing', async () => {
  await using server = await startServer()
  const { owner, started } = await box(server)
  const web = await registerApp(owner.person, { token_endpoint_auth_method: 'none' })
  const response = await fetch(`${server.origin}/oauth/device`, {
    method: 'POST',
    body: new URLSearchParams({ client_id: web.client_id, scope: 'openid' }),
  })
  assert.equal(response.status, 400)
  const nobody = new Person(server.origin)
  assert.equal((await enter(nobody, started.user_code)).status, 401)
  const foreign = await owner.person.request('POST', '/api/oauth/device/claim', {
    body: { user_code: started.user_code },
    headers: { origin: 'https://evil.example' },
  })
  assert.equal(foreign.status, 403)
})

test('openid-client connects a device, unchanged', async () => {
  await using server = await startServer()
  const { app, user } = await box(server)
  const config = await discover(server.origin, app)
  const device = await oidc.initiateDeviceAuthorization(config, { scope })
  await enter(user.person, device.user_code)
  await answer(user.person, device.user_code, 'allow')
  const tokens = await oidc.pollDeviceAuthorizationGrant(config, { ...device, interval: 0.01 })
  assert.equal(tokens.claims()?.sub, user.accountId)
  assert.deepEqual(tokens.claims()?.amr, ['pwd'])
  await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '')
})

test('a user code is read whatever case and dashes it is typed with, and nothing else is one', () => {
  assert.equal(readUserCode('bcdf-ghjk'), 'BCDFGHJK')
  assert.equal(readUserCode(' B C D F–G H J K '), 'BCDFGHJK')
  for (const text of [
    '',
    'BCDFGHJ',
    'BCDFGHJKL',
    'ABCDEFGH',
    'BCDFGHJ1',
    'BCDFGHJ\0',
    'ＢＣＤＦＧＨＪＫ',
  ])
    assert.equal(readUserCode(text), null, text)
  assert.ok(userCodeLetters.length ** 8 > 2 ** 34)
})
