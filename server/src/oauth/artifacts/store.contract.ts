import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GrantStore, OAuthGrant } from '../grants/grant.ts'
import type { Artifact, ArtifactStore } from './artifact.ts'

let made = 0
const artifact = (fields: Partial<Artifact> = {}): Artifact => ({
  model: 'AuthorizationCode',
  idDigest: `digest-${++made}`,
  accountId: null,
  clientId: 'app_1',
  grantId: null,
  sessionUid: null,
  uid: null,
  userCodeDigest: null,
  payload: 'sealed',
  createdAt: 1_000,
  expiresAt: 61_000,
  consumedAt: null,
  ...fields,
})

const grant: OAuthGrant = {
  id: 'grant_1',
  accountId: 'acct_1',
  clientId: 'app_1',
  sessionId: 'ses_1',
  deviceId: 'dev_1',
  scopes: ['chat:write'],
  resource: 'https://api.example/v1',
  redirectHost: 'app.example',
  createdAt: 1_000,
  lastUsedAt: null,
  renewsUntil: null,
  expiresAt: 90_000,
  revokedAt: null,
  signedOutAt: null,
}

/** Behaviour that every artifact store must show. `openBoth` gives empty ones. */
export function artifactStoreContract(
  name: string,
  openBoth: () => Promise<{ store: ArtifactStore; grants: GrantStore }>,
): void {
  const open = async () => (await openBoth()).store

  test(`of 50 simultaneous consumers exactly one wins (${name})`, async () => {
    const store = await open()
    const { model, idDigest, ...rest } = artifact()
    await store.put({ model, idDigest, ...rest })
    const wins = await Promise.all(
      Array.from({ length: 50 }, () => store.consume(model, idDigest, 2_000)),
    )
    assert.equal(wins.filter(Boolean).length, 1)
    assert.equal((await store.find(model, idDigest, 2_000))?.consumedAt, 2_000)
  })

  test(`of 50 simultaneous rotations exactly one wins, and leaves its successor and its replay alone (${name})`, async () => {
    const { store, grants } = await openBoth()
    await grants.insert(grant)
    const used = artifact({ model: 'RefreshToken', grantId: grant.id })
    const nexts = Array.from({ length: 50 }, () =>
      artifact({ model: 'RefreshToken', grantId: grant.id, expiresAt: null }),
    )
    await store.put(used)
    const wins = await Promise.all(
      nexts.map((next) =>
        store.rotate(used, { sealed: `answer ${next.idDigest}`, until: 32_000 }, next, 2_000),
      ),
    )
    assert.equal(wins.filter(Boolean).length, 1)
    const winner = nexts[wins.indexOf(true)]
    assert.ok(winner)
    const found = await Promise.all(
      nexts.map(({ model, idDigest }) => store.find(model, idDigest, 2_000)),
    )
    assert.deepEqual(
      found.filter((one) => one !== null),
      [winner],
    )
    const { model, idDigest } = used
    assert.equal((await store.find(model, idDigest, 2_000))?.consumedAt, 2_000)
    assert.equal(await store.findReplay(model, idDigest, 31_999), `answer ${winner.idDigest}`)
    assert.equal(await store.findReplay(model, idDigest, 32_000), null)
    assert.equal(
      await store.rotate(winner, null, artifact({ model, grantId: grant.id }), 3_000),
      true,
    )
    assert.equal(await store.findReplay(model, winner.idDigest, 3_000), null, 'none was kept')
    assert.equal(await store.dropReplays(31_999, 10), 0)
    assert.equal(await store.dropReplays(32_000, 10), 1)
    assert.equal(await store.dropReplays(32_000, 10), 0)
    assert.equal((await store.find(model, idDigest, 2_000))?.consumedAt, 2_000)
  })

  test(`what a grant that has ended left behind is not rotated (${name})`, async () => {
    const { store, grants } = await openBoth()
    await grants.insert(grant)
    const token = artifact({ model: 'RefreshToken', grantId: grant.id })
    await store.put(token)
    assert.deepEqual(await grants.revoke([grant.id], 'owner', 1_500), [grant.id])
    const next = artifact({ model: 'RefreshToken', grantId: grant.id })
    assert.equal(await store.rotate(token, null, next, 2_000), false)
    assert.equal(await store.find(next.model, next.idDigest, 2_000), null)
    assert.equal((await store.find(token.model, token.idDigest, 2_000))?.consumedAt, null)
  })

  test(`of 50 simultaneous writers of one replay id exactly one wins (${name})`, async () => {
    const store = await open()
    const once = artifact({ model: 'ReplayDetection' })
    const wins = await Promise.all(Array.from({ length: 50 }, () => store.putOnce(once)))
    assert.equal(wins.filter(Boolean).length, 1)
  })

  test(`of 20 sessions that claim one artifact exactly one settles it, once (${name})`, async () => {
    const store = await open()
    const device = artifact({ model: 'DeviceCode', userCodeDigest: `user-${made}` })
    await store.put(device)
    const { model, idDigest } = device
    const holders = Array.from({ length: 20 }, (_, index) => ({
      accountId: `acct_${index % 4}`,
      sessionUid: `sess_${index}`,
    }))
    const outcome = { payload: 'decided', grantId: 'grant_7' }
    const [early] = holders
    assert.ok(early)
    assert.equal(await store.settle(model, idDigest, early, outcome, 2_000), false, 'unclaimed')
    const claims = await Promise.all(
      holders.map((holder) => store.claim(model, idDigest, holder, 2_000)),
    )
    assert.equal(claims.filter(Boolean).length, 1)
    const holder = holders[claims.indexOf(true)]
    assert.ok(holder && (await store.claim(model, idDigest, holder, 2_000)), 'again by the same')
    assert.equal(await store.settle(model, idDigest, holder, outcome, 61_000), false, 'expired')
    const settled = await Promise.all(
      holders.flatMap((one) => [
        store.settle(model, idDigest, one, outcome, 2_000),
        store.settle(model, idDigest, one, outcome, 2_000),
      ]),
    )
    assert.equal(settled.filter(Boolean).length, 1)
    assert.equal(await store.findByUserCode(model, device.userCodeDigest ?? '', 2_000), null)
    assert.equal((await store.find(model, idDigest, 2_000))?.payload, 'decided')
    assert.equal(await store.claim(model, idDigest, holder, 2_000), false, 'settled')
  })

  test(`what has expired is not found, and swept in batches (${name})`, async () => {
    const store = await open()
    const all = Array.from({ length: 5 }, () => artifact())
    for (const one of all) await store.put(one)
    const forever = artifact({ expiresAt: null })
    await store.put(forever)
    const [first] = all
    assert.ok(first && (await store.find(first.model, first.idDigest, 60_999)))
    assert.equal(await store.find(first.model, first.idDigest, 61_000), null)
    const kept = artifact({ model: 'RefreshToken' })
    await store.put(kept)
    const sweep = () => store.sweep(61_000, 3, ['RefreshToken'], 1_000)
    assert.deepEqual([await sweep(), await sweep(), await sweep()], [3, 2, 0])
    assert.ok(await store.find(forever.model, forever.idDigest, 61_000))
    assert.ok(await store.find(kept.model, kept.idDigest, 0), 'kept to say why')
    assert.equal(await store.sweep(62_000, 3, ['RefreshToken'], 1_000), 1)
  })

  test(`writing again replaces the payload and leaves it consumed (${name})`, async () => {
    const store = await open()
    const one = artifact()
    await store.put(one)
    await store.consume(one.model, one.idDigest, 2_000)
    await store.put({ ...one, payload: 'other' })
    const found = await store.find(one.model, one.idDigest, 2_000)
    assert.deepEqual([found?.payload, found?.consumedAt], ['other', 2_000])
  })

  test(`an artifact is bound to the first account alone (${name})`, async () => {
    const store = await open()
    const one = artifact({ model: 'Transaction' })
    await store.put(one)
    const bound = await Promise.all(
      ['acct_a', 'acct_b', 'acct_c'].map((id) => store.bind(one.model, one.idDigest, id)),
    )
    assert.equal(bound.filter(Boolean).length, 1)
    const owner = (await store.find(one.model, one.idDigest, 2_000))?.accountId ?? ''
    assert.equal(await store.bind(one.model, one.idDigest, owner), true)
  })

  test(`grants take all their artifacts along, but for the name of an unused refresh token (${name})`, async () => {
    const store = await open()
    const code = artifact({ grantId: 'grant_1' })
    const used = artifact({ grantId: 'grant_1', model: 'RefreshToken' })
    const refresh = artifact({ grantId: 'grant_1', model: 'RefreshToken', accountId: 'acct_1' })
    const second = artifact({ grantId: 'grant_2', model: 'RefreshToken' })
    const other = artifact({ grantId: 'grant_3', accountId: 'acct_1' })
    for (const one of [code, used, refresh, second, other]) await store.put(one)
    await store.consume(used.model, used.idDigest, 1_500)
    await store.retire([], 2_000)
    assert.ok(await store.find(code.model, code.idDigest, 2_000))
    await store.retire(['grant_1', 'grant_2'], 2_000)
    for (const one of [code, used]) assert.equal(await store.find(one.model, one.idDigest, 0), null)
    for (const one of [refresh, second]) {
      assert.equal(await store.find(one.model, one.idDigest, 2_000), null)
      const left = await store.find(one.model, one.idDigest, 0)
      assert.deepEqual([left?.payload, left?.consumedAt, left?.expiresAt], ['', 2_000, 2_000])
      assert.equal(await store.consume(one.model, one.idDigest, 2_000), false)
      assert.equal(await store.grantOf(one.model, one.idDigest), one.grantId)
    }
    assert.ok(await store.find(other.model, other.idDigest, 2_000))
    assert.equal(await store.grantOf('RefreshToken', 'digest-none'), null)
    assert.equal(await store.retireAccount('acct_1', 10, 2_000), 1)
    assert.equal(await store.retireAccount('acct_1', 10, 2_000), 0)
    assert.equal(await store.grantOf(refresh.model, refresh.idDigest), 'grant_1', 'kept to say why')
    await store.retire(['grant_1'], 9_000) // again, and nothing moves
    assert.equal((await store.find(refresh.model, refresh.idDigest, 0))?.expiresAt, 2_000)
  })

  test(`an account’s artifacts go in batches, nobody else’s do (${name})`, async () => {
    const store = await open()
    const mine = Array.from({ length: 5 }, () => artifact({ accountId: 'acct_7' }))
    const refresh = artifact({ accountId: 'acct_7', model: 'RefreshToken', grantId: 'grant_7' })
    const theirs = artifact({ accountId: 'acct_8' })
    for (const one of [...mine, refresh, theirs]) await store.put(one)
    const some = () => store.retireAccount('acct_7', 3, 2_000)
    assert.deepEqual([await some(), await some(), await some(), await some()], [1, 3, 2, 0])
    assert.equal(await store.grantOf(refresh.model, refresh.idDigest), 'grant_7')
    assert.ok(await store.find(theirs.model, theirs.idDigest, 2_000))
  })

  test(`uid and user code find within their model (${name})`, async () => {
    const store = await open()
    const one = artifact({ model: 'DeviceCode', uid: 'uid-1', userCodeDigest: 'code-1' })
    await store.put(one)
    assert.ok(await store.findByUid('DeviceCode', 'uid-1', 2_000))
    assert.ok(await store.findByUserCode('DeviceCode', 'code-1', 2_000))
    assert.equal(await store.findByUid('Session', 'uid-1', 2_000), null)
    assert.equal(await store.findByUserCode('DeviceCode', 'code-1', 61_000), null)
  })
}
