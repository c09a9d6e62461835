import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { mailTo, Person, signedUp } from '../../../test/harness/person.ts'
import { startServer } from '../../../test/harness/server.ts'
import { readConfig } from '../config.ts'

type Place = { kind: string; country: string | null }
type Listed = { current: boolean; address: string; place: Place }

const behindProxy = (env: Record<string, string> = {}) =>
  startServer({ env: { LATCHKEY_TRUSTED_PROXIES: '127.0.0.1', ...env } })

test('a device and its session are told by country, and a private network as such', async () => {
  await using server = await behindProxy()
  const { person, email, password } = await signedUp(server.origin)
  const away = new Person(server.origin)
  const headers = { 'x-forwarded-for': '114.114.114.114' }
  await away.request('POST', '/api/sessions', { body: { email, password }, headers })
  for (const path of ['/api/devices', '/api/sessions']) {
    const { items } = await person.expect<{ items: Listed[] }>(200, 'GET', path)
    assert.deepEqual(
      items.map(({ address, place }) => [address, place]).sort(),
      [
        ['114.114.114.114', { kind: 'country', country: 'CN' }],
        ['127.0.0.1', { kind: 'private', country: null }],
      ],
      path,
    )
  }
})

test('the mail about a new device names the country in the language of the account', async () => {
  await using server = await behindProxy()
  const { person, email, password } = await signedUp(server.origin)
  const arrive = async (address: string) => {
    const headers = { 'x-forwarded-for': address }
    const browser = new Person(server.origin)
    await browser.request('POST', '/api/sessions', { body: { email, password }, headers })
    return (await mailTo(server.origin, email, 'new_device')).text
  }
  assert.match(await arrive('8.8.8.8'), /network address 8\.8\.8\.8 \(United States\)/)
  assert.match(await arrive('10.9.8.7'), /10\.9\.8\.7 \(private network\)/)
  await person.expect(200, 'PATCH', '/api/account', { locale: 'zh' })
  assert.match(await arrive('2001:4860:4860::8888'), /2001:4860:4860::8888（美国）/)
  assert.match(await arrive('203.0.113.7'), /203\.0\.113\.7（地点未知）/)
})

test('whoever is asked which device to end sees where each is', async () => {
  await using server = await behindProxy({ LATCHKEY_DEVICE_LIMIT: '1' })
  const { email, password } = await signedUp(server.origin)
  const asked = await new Person(server.origin).expect<{ devices: Listed[] }>(
    409,
    'POST',
    '/api/sessions',
    { email, password },
  )
  assert.deepEqual(asked.devices[0]?.place, { kind: 'private', country: null })
})

test('a file that is no database of countries stops the start and is not named', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-geo-'))
  try {
    const path = join(folder, 'secret-name.mmdb')
    const read = () => readConfig({ LATCHKEY_GEO_DB: path }, 2)
    for (const content of [null, '', 'a'.repeat(200_000)]) {
      if (content !== null) await writeFile(path, content)
      const result = read()
      assert.ok(!result.ok)
      assert.match(result.problems.join(), /^LATCHKEY_GEO_DB/)
      assert.doesNotMatch(result.problems.join(), /secret-name/)
    }
    assert.equal(readConfig({ LATCHKEY_GEO_DB: 'off' }, 2).ok, true)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
