import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeJwt } from 'jose'
import { buildHouse, type HouseName, housesHere } from '../harness/house.ts'
import { eventually } from '../harness/journey.ts'
import { discover, registerApp, signIn } from '../harness/oauth-browser.ts'
import { Person, signedUp } from '../harness/person.ts'
import { relyingParty } from '../harness/relying-party.ts'

const names: HouseName[] = ['two processes, one PostgreSQL', 'two nodes, PostgreSQL and Redis']
const browsers = 8

for (const name of names.filter((one) => housesHere.includes(one)))
  test(`${name}: each sign-out is told once, whichever node works on it`, async () => {
    await using house = await buildHouse(name, { LATCHKEY_LOOPBACK_FETCH: 'allow' })
    await using party = await relyingParty()
    const { person, email, password } = await signedUp(house.origin)
    const app = await registerApp(person, { backchannel_logout_uri: party.uri })
    const config = await discover(house.origin, app)
    const people = await Promise.all(
      Array.from({ length: browsers }, async () => {
        const one = new Person(house.origin)
        await one.expect(201, 'POST', '/api/sessions', { email, password })
        return { one, sid: (await signIn(config, one)).claims()?.sid }
      }),
    )
    await house.kill(1) // what a node leaves behind is done by the next
    await Promise.all(
      people
        .slice(0, browsers / 2)
        .map(({ one }) => one.expect(204, 'DELETE', '/api/sessions/current')),
    )
    await house.start(1)
    await Promise.all(
      people
        .slice(browsers / 2)
        .map(({ one }) => one.expect(204, 'DELETE', '/api/sessions/current')),
    )
    type Row = { state: string; attempts: string | number }
    const settled = () =>
      house.sql<Row>("select state, attempts from logout_deliveries where state = 'sent'")
    await eventually('all messages', 10_000, async () => (await settled()).length === browsers)
    assert.ok((await settled()).every(({ attempts }) => Number(attempts) === 1))
    assert.deepEqual(
      party.tokens.map((token) => decodeJwt(token).sid).sort(),
      people.map(({ sid }) => sid).sort(),
    )
  })
