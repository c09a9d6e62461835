import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  arrive,
  attempt,
  discover,
  registerApp,
  signIn,
} from '../../../../test/harness/oauth-browser.ts'
import { Person, signedUp } from '../../../../test/harness/person.ts'
import { jpeg, png, pngChunk, webpLossy } from '../../../../test/harness/pictures.ts'
import { databases, startServer } from '../../../../test/harness/server.ts'

const base64 = (bytes: Buffer) => ({ data: bytes.toString('base64') })
type Refused = { code: string; errors: { field: string; code: string; message: string }[] }

for (const database of databases)
  test(`a logo is served from here, unchanging, and shown wherever the app is (${database})`, async () => {
    await using server = await startServer({ database })
    const { person } = await signedUp(server.origin)
    const app = await registerApp(person)
    const path = `/api/apps/${app.client_id}`
    const shown = async () =>
      (await person.expect<{ logo_uri: string | null }>(200, 'GET', path)).logo_uri
    assert.equal(await shown(), null)
    const set = (bytes: Buffer) =>
      person.expect<{ logo_uri: string }>(200, 'PUT', `${path}/logo`, base64(bytes))

    const first = (await set(png(32, 32, { extra: [pngChunk('tEXt', Buffer.from('secret'))] })))
      .logo_uri
    assert.equal(await shown(), first)
    const answer = await fetch(first)
    assert.equal(answer.status, 200)
    const headers = Object.fromEntries(answer.headers)
    assert.equal(headers['content-type'], 'image/png')
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.equal(headers['content-security-policy'], "default-src 'none'; sandbox")
    assert.equal(headers['cache-control'], 'public, max-age=31536000, immutable')
    assert.deepEqual(
      Buffer.from(await answer.arrayBuffer()),
      png(32, 32),
      'without what was written in it',
    )

    const second = (await set(jpeg)).logo_uri
    assert.notEqual(second, first)
    assert.equal((await fetch(second)).headers.get('content-type'), 'image/jpeg')
    assert.equal((await fetch(first)).status, 404)
    const third = (await set(webpLossy)).logo_uri
    assert.equal((await fetch(third)).headers.get('content-type'), 'image/webp')

    const config = await discover(server.origin, app)
    await signIn(config, person)
    const tx = /tx=(.+)$/.exec(
      await arrive(person, (await attempt(config, { prompt: 'consent' })).url),
    )?.[1]
    type Shown = { client: { logo_uri: string } }
    const asked = await person.expect<Shown>(200, 'GET', `/api/oauth/transactions/${tx}`)
    assert.equal(asked.client.logo_uri, third)
    const granted = await person.expect<{ items: Shown[] }>(200, 'GET', '/api/grants')
    assert.equal(granted.items[0]?.client.logo_uri, third)
    const listed = await person.expect<{ items: Shown['client'][] }>(200, 'GET', '/api/apps')
    assert.equal(listed.items[0]?.logo_uri, third)
    await person.expect(200, 'PATCH', path, { name: 'Renamed' })
    assert.equal(await shown(), third, 'a change of settings leaves it')

    await person.expect(204, 'DELETE', `${path}/logo`)
    await person.expect(204, 'DELETE', `${path}/logo`)
    assert.equal(await shown(), null)
    assert.equal((await fetch(third)).status, 404)
    const fourth = (await set(png(64, 64))).logo_uri
    await person.expect(204, 'DELETE', path)
    assert.equal((await fetch(fourth)).status, 404, 'it goes with the app')
    const lines = await server.audit.list({ subjectId: app.client_id, limit: 20 })
    const actions = lines.map(({ action }) => action).filter((action) => action.includes('logo'))
    assert.equal(actions.filter((action) => action === 'app.logo_removed').length, 1)
    assert.equal(actions.length, 5)
  })

test('what is no small picture is refused with the reason, and nothing changes', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const app = await registerApp(person)
  const path = `/api/apps/${app.client_id}/logo`
  const { logo_uri } = await person.expect<{ logo_uri: string }>(200, 'PUT', path, base64(png()))
  const refused: [object, string][] = [
    [base64(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')), 'not_a_picture'],
    [base64(Buffer.concat([png(), Buffer.from('<script>')])), 'broken'],
    [base64(png(8, 8)), 'wrong_size'],
    [base64(png(24, 24, { extra: [pngChunk('acTL', Buffer.alloc(8))] })), 'animated'],
    [base64(Buffer.alloc(65 * 1024)), 'too_large'],
  ]
  for (const [body, reason] of refused) {
    const { code, errors } = await person.expect<Refused>(400, 'PUT', path, body)
    assert.deepEqual([code, errors.map((error) => error.code)], ['invalid_request', [reason]])
    assert.ok((errors[0]?.message.length ?? 0) > 20)
  }
  await person.expect(400, 'PUT', path, { data: 'not base64!' })
  await person.expect(400, 'PUT', path, { data: '' })
  await person.expect(400, 'PUT', path, { logo_uri: 'https://evil.example/track.png' })
  await person.expect(400, 'PATCH', `/api/apps/${app.client_id}`, {
    logo_uri: 'https://evil.example/track.png',
  })
  assert.equal((await fetch(logo_uri)).status, 200)
})

test('a logo is set and removed by those who may change the app, and is nobody else’s address', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const app = await registerApp(person)
  const path = `/api/apps/${app.client_id}/logo`
  const { person: stranger } = await signedUp(server.origin)
  await stranger.expect(404, 'PUT', path, base64(png()))
  await stranger.expect(404, 'DELETE', path)
  await new Person(server.origin).expect(401, 'PUT', path, base64(png()))
  const { logo_uri } = await person.expect<{ logo_uri: string }>(200, 'PUT', path, base64(png()))
  const theirs = await registerApp(stranger)
  assert.equal((await fetch(logo_uri.replace(app.client_id, theirs.client_id))).status, 404)
  assert.equal((await fetch(`${server.origin}/oauth/logos/${app.client_id}/x`)).status, 404)
})
