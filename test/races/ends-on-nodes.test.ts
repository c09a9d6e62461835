import assert from 'node:assert/strict'
import { test } from 'node:test'
import { minute } from '../../server/src/platform/clock/clock.ts'
import { poll } from '../harness/device-box.ts'
import { gateTo } from '../harness/gate.ts'
import {
  allowedBox,
  appsFor,
  atNode,
  type Holder,
  householdOf,
  openStream,
} from '../harness/holders.ts'
import { createKey, eventually, operatorOf } from '../harness/journey.ts'
import { type Behaviour, ModelServer, streamWords } from '../harness/model-server.ts'
import { startNodes } from '../harness/nodes.ts'
import { arrive, attempt, authorize, codeGrant, discover } from '../harness/oauth-browser.ts'
import type { Person } from '../harness/person.ts'

const { LATCHKEY_TEST_POSTGRES_URL: postgresUrl, LATCHKEY_TEST_REDIS_URL: redisUrl } = process.env

type Scene = Awaited<ReturnType<typeof householdOf>> & { operator: Person }
type Name = Holder['name']
type Ending = {
  act(scene: Scene & { mine: Person }): Promise<unknown>
  /** Whose tokens and answers end. */
  ends: readonly Name[]
  /** Whose browsers are signed out. */
  signedOut: readonly Name[]
  because: string
  /** Whether what the laptop and a further box have half done ends, too. */
  beginnings: { consent: boolean; box: boolean }
}

const endings: Record<string, Ending> = {
  'a browser, ended by its owner': {
    act: ({ mine, phone }) => mine.expect(204, 'DELETE', `/api/devices/${phone.deviceId}`),
    ends: ['phone'],
    signedOut: ['phone'],
    because: 'signed_out_elsewhere',
    beginnings: { consent: false, box: false },
  },
  'a box, ended by its owner': {
    act: ({ mine, box }) => mine.expect(204, 'DELETE', `/api/devices/${box.deviceId}`),
    ends: ['box'],
    signedOut: [],
    because: 'signed_out_elsewhere',
    beginnings: { consent: false, box: false },
  },
  'all other devices': {
    act: ({ mine }) => mine.expect(204, 'DELETE', '/api/devices'),
    ends: ['phone', 'box'],
    signedOut: ['phone'],
    because: 'signed_out_elsewhere',
    beginnings: { consent: false, box: true },
  },
  'everything, by its owner, who stays signed in': {
    act: ({ mine }) => mine.expect(204, 'POST', '/api/account/revoke-all', { keep_current: true }),
    ends: ['laptop', 'phone', 'box'],
    signedOut: ['phone'],
    because: 'revoked_all',
    beginnings: { consent: true, box: true },
  },
  'everything, by an operator': {
    act: ({ operator, accountId }) =>
      operator.expect(204, 'POST', `/api/operator/accounts/${accountId}/revoke-all`, {
        note: 'asked for by telephone',
      }),
    ends: ['laptop', 'phone', 'box'],
    signedOut: ['laptop', 'phone'],
    because: 'revoked_by_operator',
    beginnings: { consent: true, box: true },
  },
}

const endless: Behaviour = (request, res) => streamWords(request, res, Array(3_000).fill('w '), 50)

test('three nodes: what ends on one has ended on all within a second, and nothing else has', {
  skip: postgresUrl && redisUrl ? false : 'needs PostgreSQL and Redis',
}, async (t) => {
  await using model = await new ModelServer(endless).listen()
  const env = { LATCHKEY_UPSTREAMS: JSON.stringify([model.setting()]) }
  await using gate = await gateTo(redisUrl ?? '')
  await using nodes = await startNodes(3, { redisUrl: gate.url, env })
  const [first, ...others] = nodes.all
  const last = nodes.all.at(-1)
  assert.ok(first && last)
  const apps = await appsFor(nodes.origin)
  const config = await discover(nodes.origin, apps.web)
  const operator = await operatorOf(last) // the newest link counts

  for (const [what, { act, ends, signedOut, because, beginnings }] of Object.entries(endings))
    await t.test(what, async (one) => {
      const scene = await householdOf(first, apps)
      const { laptop, phone, box } = scene
      const mine = laptop.browser
      assert.ok(mine && phone.browser)
      const all = [laptop, phone, box]

      const started = await attempt(config)
      const back = await authorize(phone.browser, started.url)
      const consent = await arrive(mine, (await attempt(config, { prompt: 'consent' })).url)
      const tx = /^\/consent\?tx=(.+)$/.exec(consent)?.[1]
      assert.ok(tx, consent)
      const further = await allowedBox(first, apps.box, mine)

      const streams = await Promise.all(
        others.flatMap(({ address }) =>
          all.map(async (holder) => ({ holder, ...(await openStream(address, holder, 'm1')) })),
        ),
      )
      one.after(() => {
        for (const { close } of streams) close()
      })
      for (const { address } of nodes.all) {
        const { gateway, userinfo, introspection, session } = atNode(address)
        for (const ask of [gateway, userinfo, introspection, session])
          assert.deepEqual(await Promise.all(all.map(ask)), ['good', 'good', 'good'])
      }
      await eventually('every stream runs', 2_000, async () =>
        streams.every(({ seen }) => seen.text.includes('w ')),
      )

      await act({ ...scene, operator, mine })
      const ended = ({ name }: Holder) => ends.includes(name)
      const expected = {
        gateway: '401 token_revoked',
        userinfo: '401',
        introspection: 'inactive',
        refresh: `invalid_grant revoked ${because}`,
        session: `401 ${because}`,
      }
      const told = (node: string, ask: keyof ReturnType<typeof atNode>, holder: Holder) => {
        const over = ask === 'session' ? signedOut.includes(holder.name) : ended(holder)
        const wanted = over ? expected[ask] : 'good'
        return eventually(`${wanted} for the ${holder.name} (${ask}, ${node})`, 1_000, async () => {
          return (await atNode(node)[ask](holder)) === wanted
        })
      }
      await eventually('the end of its answers', 1_000, async () =>
        streams.every(({ holder, seen }) => !ended(holder) || seen.over),
      )
      const asks = ['gateway', 'userinfo', 'introspection', 'refresh', 'session'] as const
      for (const { address } of nodes.all)
        await Promise.all(all.flatMap((holder) => asks.map((ask) => told(address, ask, holder))))

      const lengths = streams.map(({ seen }) => seen.text.length)
      await eventually('the other answers go on', 1_000, async () =>
        streams.every(
          ({ holder, seen }, i) =>
            ended(holder) || (!seen.over && seen.text.length > (lengths[i] ?? 0)),
        ),
      )
      for (const { holder, seen } of streams)
        if (ended(holder)) assert.match(seen.text, /"code":"token_revoked"/, 'and it said why')

      const redeemed = await fetch(`${others[0]?.address}/oauth/token`, {
        method: 'POST',
        body: new URLSearchParams({
          ...codeGrant(back, started),
          client_id: apps.web.client_id,
          client_secret: apps.web.client_secret ?? '',
        }),
      })
      assert.equal(redeemed.status, ended(phone) ? 400 : 200, 'the code that nobody had redeemed')
      const decided = await mine.post(`/api/oauth/transactions/${tx}/decision`, {
        decision: 'allow',
      })
      const refused = signedOut.includes('laptop') ? 401 : 404
      assert.equal(decided.status, beginnings.consent ? refused : 200, 'the open question')
      const node = { ...last, origin: last.address }
      const polled = await poll(node, apps.box, further.device_code)
      assert.equal(polled.status, beginnings.box ? 400 : 200, 'the box that had not asked again')
    })

  await t.test(
    'an end that was missed while Redis was away is made good at its return',
    async () => {
      const { laptop, phone, box } = await householdOf(first, apps)
      const runs = await Promise.all(
        [laptop, phone, box].map((holder) => openStream(last.address, holder, 'm1')),
      )
      await gate.shut()
      await laptop.browser?.expect(204, 'DELETE', `/api/devices/${phone.deviceId}`)
      await gate.open()
      const over = () => runs.map(({ seen }) => seen.over)
      await eventually('its answer ends', 5_000, async () => over()[1])
      const { gateway } = atNode(last.address)
      assert.equal(await gateway(phone), '401 token_revoked')
      assert.deepEqual(over(), [false, true, false])
      assert.deepEqual(await Promise.all([laptop, box].map(gateway)), ['good', 'good'])
      for (const { close } of runs) close()
    },
  )
})

test('without Redis: sessions and refresh tokens end on the other node at once, the rest within a minute', {
  skip: postgresUrl ? false : 'needs PostgreSQL',
}, async () => {
  await using model = await new ModelServer(endless).listen()
  const env = { LATCHKEY_UPSTREAMS: JSON.stringify([model.setting()]) }
  await using nodes = await startNodes(2, { redisUrl: null, env })
  const [first, other] = nodes.all
  assert.ok(first && other)
  const { laptop, phone, box } = await householdOf(first, await appsFor(nodes.origin))
  const mine = laptop.browser
  assert.ok(mine)
  const key = await createKey(mine)
  const withKey = { ...laptop, access: key.secret }
  const holders = [laptop, phone, box, withKey]
  const at = atNode(other.address)
  const runs = await Promise.all(holders.map((holder) => openStream(other.address, holder, 'm1')))
  const over = () => runs.map(({ seen }) => seen.over)

  await mine.expect(204, 'DELETE', `/api/devices/${phone.deviceId}`)
  await mine.expect(200, 'PATCH', `/api/keys/${key.id}`, { state: 'disabled' })
  assert.equal(await at.refresh(phone), 'invalid_grant revoked signed_out_elsewhere')
  assert.equal(await at.session(phone), '401 signed_out_elsewhere')
  assert.equal(await at.introspection(phone), 'inactive')

  other.clock.advance(minute)
  await other.gateway.lookAtRunning()
  await eventually('their answers end', 1_000, async () => over()[1] && over()[3])
  assert.equal(await at.gateway(phone), '401 token_revoked')
  assert.equal(await at.userinfo(phone), '401')
  assert.equal(await at.gateway(withKey), '401 invalid_api_key')

  assert.deepEqual(over(), [false, true, false, true])
  for (const ask of [at.gateway, at.userinfo, at.introspection, at.session, at.refresh])
    assert.deepEqual(await Promise.all([laptop, box].map(ask)), ['good', 'good'])
  for (const { close } of runs) close()
})
