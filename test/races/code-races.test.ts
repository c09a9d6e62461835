import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { buildHouse, type House, housesHere } from '../harness/house.ts'
import {
  attempt,
  authorize,
  codeGrant,
  discover,
  type RegisteredApp,
  registerApp,
} from '../harness/oauth-browser.ts'
import { type Person, signedUp } from '../harness/person.ts'

/** What may be used once, used by many at once at every process of the house. */
for (const name of housesHere)
  describe(`single use: ${name}`, { concurrency: false }, () => {
    let house: House
    let person: Person
    let app: RegisteredApp
    before(async () => {
      house = await buildHouse(name)
      ;({ person } = await signedUp(house.origin))
      app = await registerApp(person)
    })
    after(async () => house?.[Symbol.asyncDispose]())

    const everywhere = <T>(count: number, ask: (address: string) => Promise<T>): Promise<T[]> =>
      Promise.all(
        Array.from({ length: count }, (_, i) =>
          ask(house.addresses[i % house.addresses.length] ?? house.origin),
        ),
      )
    const post = async (address: string, path: string, form: Record<string, string>) => {
      const response = await fetch(address + path, {
        method: 'POST',
        body: new URLSearchParams({
          client_id: app.client_id,
          client_secret: app.client_secret ?? '',
          ...form,
        }),
      })
      const body = (await response.json()) as { error?: string; access_token?: string }
      return { status: response.status, ...body }
    }

    test('of 40 redemptions of one code one succeeds, and what it got ends with the second use', async () => {
      const started = await attempt(await discover(house.origin, app))
      const back = await authorize(person, started.url)
      const form = codeGrant(back, started)
      const answers = await everywhere(40, (address) => post(address, '/oauth/token', form))
      const got = answers.filter(({ status }) => status === 200)
      assert.equal(got.length, 1)
      for (const { status, error } of answers.filter((answer) => answer.status !== 200))
        assert.deepEqual([status, error], [400, 'invalid_grant'])
      const [{ living } = { living: -1 }] = await house.sql<{ living: number }>(
        "select count(*) as living from oauth_artifacts where model = 'RefreshToken' and consumed_at is null",
      )
      assert.equal(Number(living), 0)
    })

    test('of 20 finishes of one authorization one carries a code', async () => {
      const { url } = await attempt(await discover(house.origin, app))
      await authorize(person, url) // consent is given
      const again = await attempt(await discover(house.origin, app))
      const arrival = await person.get<string>(String(again.url), { 'sec-fetch-site': 'none' })
      const path = arrival.headers.get('location') ?? ''
      assert.match(path, /^\/oauth\/tx\//)
      const cookie = [...person.cookies].map(([key, value]) => `${key}=${value}`).join('; ')
      const answers = await everywhere(20, async (address) => {
        const answer = await fetch(address + path, {
          redirect: 'manual',
          headers: { cookie, 'sec-fetch-site': 'same-origin' },
        })
        await answer.arrayBuffer()
        return answer.headers.get('location') ?? ''
      })
      assert.equal(answers.filter((where) => where.includes('code=')).length, 1)
    })

    test('a pushed request, reloaded six times and finished by all at once, ends in one code', async () => {
      const config = await discover(house.origin, app)
      await authorize(person, (await attempt(config)).url) // consent is given
      const started = await attempt(config)
      const pushed = await fetch(`${house.origin}/oauth/par`, {
        method: 'POST',
        body: new URLSearchParams({
          ...Object.fromEntries(started.url.searchParams),
          client_id: app.client_id,
          client_secret: app.client_secret ?? '',
        }),
      })
      const { request_uri } = (await pushed.json()) as { request_uri: string }
      const query = new URLSearchParams({ client_id: app.client_id, request_uri })
      const paths: string[] = []
      for (let i = 0; i < 6; i++) {
        const opened = await person.get(`/oauth/authorize?${query}`, { 'sec-fetch-site': 'none' })
        paths.push(opened.headers.get('location') ?? '')
      }
      assert.ok(paths.every((path) => path.startsWith('/oauth/tx/')))
      const cookie = [...person.cookies].map(([key, value]) => `${key}=${value}`).join('; ')
      const answers = await everywhere(6, async (address) => {
        const answer = await fetch(address + paths.shift(), {
          redirect: 'manual',
          headers: { cookie, 'sec-fetch-site': 'same-origin' },
        })
        await answer.arrayBuffer()
        return answer.headers.get('location') ?? ''
      })
      assert.equal(answers.filter((where) => where.includes('code=')).length, 1, answers.join('\n'))
    })
  })
