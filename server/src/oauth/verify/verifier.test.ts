import assert from 'node:assert/strict'
import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { describe, test } from 'node:test'
import { type Clock, minute } from '../../platform/clock/clock.ts'
import { inProcessBus } from '../../platform/events/events.ts'
import { memoryReplay } from '../../platform/replay/replay.ts'
import { serverNonces } from '../dpop/nonces.ts'
import { possessions } from '../dpop/possession.ts'
import { accessTokenVerifier } from './verifier.ts'

const issuer = 'https://ai.example'
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const other = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const nowSeconds = 1_800_000_000

const header = { alg: 'ES256', typ: 'at+jwt', kid: 'k1' }
const claims = {
  sid: 'sess_1',
  grant_id: 'grant_1',
  org_id: 'org_1',
  epoch: 1,
  jti: 'j',
  sub: 'acct_1',
  iat: nowSeconds,
  exp: nowSeconds + 600,
  scope: 'models:read chat:write',
  client_id: 'app_1',
  iss: issuer,
  aud: `${issuer}/v1`,
}

const part = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
const es256 = (text: string, key: KeyObject = privateKey) =>
  sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')
const signed = (head: unknown, body: unknown, key?: KeyObject) => {
  const text = `${part(head)}.${part(body)}`
  return `${text}.${es256(text, key)}`
}
const good = () => signed(header, claims)

const proofs = (clock: Clock) =>
  possessions({
    clock,
    nonces: serverNonces(Buffer.alloc(32), clock),
    atTokenEndpoint: memoryReplay(clock),
    atResource: memoryReplay(clock),
  })

const keys = {
  publicKey: (kid: string) => (kid === 'k1' ? publicKey : undefined),
  seek: async () => undefined,
}

function setUp() {
  const facts = {
    state: 'active' as const,
    epoch: 1,
    grant: true,
    client: true,
    dpopBound: false,
    reads: 0,
  }
  const clock = { at: nowSeconds * 1_000 + 1_000, now: () => clock.at }
  const bus = inProcessBus((error) => {
    throw error
  })
  const verifier = accessTokenVerifier({
    issuer,
    audience: `${issuer}/v1`,
    knows: (audience: string) => /^https:..(?:ai|other).example.v1$/.test(audience),
    keys,
    clock,
    bus,
    standing: async () => {
      facts.reads++
      return { state: facts.state, epoch: facts.epoch }
    },
    grantStands: async () => facts.grant,
    client: async () => (facts.client ? { dpopBound: facts.dpopBound } : null),
    possessions: proofs(clock),
  })
  return { facts, clock, bus, verifier }
}

const cut = (text: string, at: number) => text.slice(0, at)
const jwk = publicKey.export({ format: 'jwk' })
const hs256 = (() => {
  const text = `${part({ ...header, alg: 'HS256' })}.${part(claims)}`
  const key = publicKey.export({ format: 'pem', type: 'spki' })
  return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`
})()

const forged: Record<string, string> = {
  'an empty text': '',
  'not a JWT': 'abc',
  'two parts': cut(good(), good().lastIndexOf('.')),
  'four parts': `${good()}.x`,
  'an empty signature': `${cut(good(), good().lastIndexOf('.'))}.`,
  'alg none, no signature': `${part({ ...header, alg: 'none' })}.${part(claims)}.`,
  'alg none, some signature': signed({ ...header, alg: 'none' }, claims),
  'alg None': signed({ ...header, alg: 'None' }, claims),
  'alg es256 in lower case': signed({ ...header, alg: 'es256' }, claims),
  'HS256 keyed with our public key': hs256,
  'alg ES384': signed({ ...header, alg: 'ES384' }, claims),
  'alg RS256 with a key of its own': (() => {
    const text = `${part({ ...header, alg: 'RS256' })}.${part(claims)}`
    return `${text}.${sign('sha256', Buffer.from(text), rsa.privateKey).toString('base64url')}`
  })(),
  'another key': signed(header, claims, other.privateKey),
  'another kid': signed({ ...header, kid: 'k2' }, claims),
  'no kid': signed({ alg: 'ES256', typ: 'at+jwt' }, claims),
  'a kid that is a path': signed({ ...header, kid: '../../dev/null' }, claims),
  'a kid that is a prototype': signed({ ...header, kid: '__proto__' }, claims),
  'typ JWT': signed({ ...header, typ: 'JWT' }, claims),
  'typ logout+jwt': signed({ ...header, typ: 'logout+jwt' }, claims),
  'typ application/at+jwt': signed({ ...header, typ: 'application/at+jwt' }, claims),
  'no typ': signed({ alg: 'ES256', kid: 'k1' }, claims),
  'a key in the header': signed({ ...header, jwk }, claims),
  'a key address in the header': signed({ ...header, jku: 'https://evil.example/jwks' }, claims),
  'a certificate address': signed({ ...header, x5u: 'https://evil.example/c' }, claims),
  'a certificate': signed({ ...header, x5c: ['MII'] }, claims),
  'a critical header': signed({ ...header, crit: ['exp'] }, claims),
  'an unencoded payload': signed({ ...header, b64: false, crit: ['b64'] }, claims),
  'a compressed payload': signed({ ...header, zip: 'DEF' }, claims),
  'another issuer': signed(header, { ...claims, iss: 'https://evil.example' }),
  'an issuer with a slash': signed(header, { ...claims, iss: `${issuer}/` }),
  'no issuer': signed(header, { ...claims, iss: undefined }),
  'another audience': signed(header, { ...claims, aud: 'https://other.example/v1' }),
  'an audience list': signed(header, { ...claims, aud: [`${issuer}/v1`] }),
  'a client as audience (an ID token)': signed(header, { ...claims, aud: 'app_1' }),
  'no expiry': signed(header, { ...claims, exp: undefined }),
  'an expiry in text': signed(header, { ...claims, exp: String(claims.exp) }),
  'an expiry without end': signed(header, { ...claims, exp: 1e300 }),
  'a negative expiry': signed(header, { ...claims, exp: -1 }),
  'not valid yet': signed(header, { ...claims, nbf: nowSeconds + 300 }),
  'issued in the future': signed(header, { ...claims, iat: nowSeconds + 300 }),
  'no subject': signed(header, { ...claims, sub: undefined }),
  'an empty subject': signed(header, { ...claims, sub: '' }),
  'no client': signed(header, { ...claims, client_id: undefined }),
  'no session': signed(header, { ...claims, sid: undefined }),
  'no grant': signed(header, { ...claims, grant_id: undefined }),
  'a person and somebody to act for': signed(header, { ...claims, act_for: 'acct_2' }),
  'an app that acts for somebody under another name': signed(header, {
    ...claims,
    sid: undefined,
    grant_id: undefined,
    act_for: 'acct_2',
  }),
  'no epoch': signed(header, { ...claims, epoch: undefined }),
  'a scope list': signed(header, { ...claims, scope: ['chat:write'] }),
  'a payload that is a list': signed(header, [claims]),
  'a payload that is null': signed(header, 'null'),
  'a payload that is text': signed(header, '"x"'),
  'broken JSON': signed(header, '{"iss":'),
  'a repeated member': signed(header, JSON.stringify(claims).replace('{', '{"sub":"acct_2",')),
  'a repeated header member': signed(JSON.stringify(header).replace('{', '{"alg":"none",'), claims),
  'a member of the prototype': signed(
    header,
    JSON.stringify(claims).replace('{', '{"__proto__":{"sub":"acct_2"},'),
  ),
  'bad UTF-8': (() => {
    const body = Buffer.concat([Buffer.from('{"sub":"'), Buffer.from([0xff]), Buffer.from('"}')])
    const text = `${part(header)}.${body.toString('base64url')}`
    return `${text}.${es256(text)}`
  })(),
  'padded base64': `${good()}=`,
  'base64 with plus and slash': good().replace(/\.[^.]+$/, '.++//'),
  'another spelling of the same signature': (() => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const text = good()
    // The last of 86 characters holds four bits of data and two that must be zero.
    return text.slice(0, -1) + alphabet.charAt(alphabet.indexOf(text.slice(-1)) + 1)
  })(),
  'a DER signature': (() => {
    const text = `${part(header)}.${part(claims)}`
    return `${text}.${sign('sha256', Buffer.from(text), privateKey).toString('base64url')}`
  })(),
  'a signature of zeros': `${cut(good(), good().lastIndexOf('.'))}.${Buffer.alloc(64).toString('base64url')}`,
  'a changed payload': (() => {
    const [head, , tail] = good().split('.')
    return `${head}.${part({ ...claims, sub: 'acct_2' })}.${tail}`
  })(),
  'more than 8 KB': signed(header, { ...claims, jti: 'x'.repeat(9_000) }),
  'white space around it': ` ${good()}`,
}

describe('forged access tokens', () => {
  for (const [name, token] of Object.entries(forged))
    test(`${name} is refused without asking the database`, async () => {
      const { verifier, facts } = setUp()
      assert.deepEqual(await verifier.verify(token), { ok: false, reason: 'malformed' })
      assert.equal(facts.reads, 0)
    })
})

test('a good token is read once, then answered from memory', async () => {
  const { verifier, facts } = setUp()
  const token = good()
  const first = await verifier.verify(token)
  assert.ok(first.ok)
  assert.deepEqual(first.token.scopes, ['models:read', 'chat:write'])
  for (let i = 0; i < 100; i++) assert.ok((await verifier.verify(token)).ok)
  assert.equal(facts.reads, 1)
})

test('a token of another resource may be inspected and is let in nowhere, before and after', async () => {
  const { verifier, facts } = setUp()
  const other = signed(header, { ...claims, aud: 'https://other.example/v1' })
  const refused = { ok: false, reason: 'malformed' }
  assert.deepEqual(await verifier.verify(other), refused)
  const seen = await verifier.inspect(other)
  assert.ok(seen.ok)
  assert.equal(seen.token.audience, 'https://other.example/v1')
  assert.deepEqual(await verifier.verify(other), refused)
  const nobodys = signed(header, { ...claims, aud: 'https://nobody.example/' })
  assert.deepEqual(await verifier.inspect(nobodys), refused)
  facts.grant = false
  assert.deepEqual(await verifier.inspect(other), { ok: false, reason: 'revoked' })
})

test('a token ends at its expiry, also in memory', async () => {
  const { verifier, clock } = setUp()
  const token = good()
  assert.ok((await verifier.verify(token)).ok)
  clock.at = claims.exp * 1_000 - 1
  assert.ok((await verifier.verify(token)).ok)
  clock.at = claims.exp * 1_000
  assert.deepEqual(await verifier.verify(token), { ok: false, reason: 'expired' })
})

test('a lost event costs a minute at most', async () => {
  const { verifier, clock, facts } = setUp()
  const token = good()
  assert.ok((await verifier.verify(token)).ok)
  facts.grant = false
  clock.at += minute
  assert.deepEqual(await verifier.verify(token), { ok: false, reason: 'revoked' })
})

test('every ending empties the memory at once', async () => {
  const endings = [
    { type: 'account.changed', accountId: 'acct_1', epoch: 2, allowed: true },
    { type: 'account.changed', accountId: 'acct_1', epoch: 1, allowed: false },
    { type: 'grant.revoked', grantId: 'grant_1', accountId: 'acct_1', clientId: 'app_1' },
    { type: 'client.changed', clientId: 'app_1' },
    {
      type: 'session.ended',
      sessionId: 'sess_1',
      accountId: 'acct_1',
      deviceId: 'dev_1',
      reason: 'signed_out',
    },
    { type: 'events.missed' },
  ] as const
  for (const event of endings) {
    const { verifier, bus, facts } = setUp()
    const token = good()
    assert.ok((await verifier.verify(token)).ok)
    facts.grant = false
    bus.publish(event)
    assert.deepEqual(await verifier.verify(token), { ok: false, reason: 'revoked' }, event.type)
  }
})

test('a session that ended is remembered even when its grant still seems to stand', async () => {
  const { verifier, bus } = setUp()
  const ended = { sessionId: 'sess_1', accountId: 'acct_1', deviceId: 'd', reason: 'signed_out' }
  bus.publish({ type: 'session.ended', ...ended })
  assert.deepEqual(await verifier.verify(good()), { ok: false, reason: 'revoked' })
})

test('an ending that comes in while the database is read is not overtaken by what was read', async () => {
  const { facts, clock, bus } = setUp()
  let reads = 0
  const verifier = accessTokenVerifier({
    issuer,
    audience: `${issuer}/v1`,
    knows: (audience: string) => /^https:..(?:ai|other).example.v1$/.test(audience),
    keys,
    clock,
    bus,
    standing: async () => ({ state: 'active', epoch: 1 }),
    grantStands: async () => {
      const answer = facts.grant
      if (++reads === 1) {
        facts.grant = false
        bus.publish({
          type: 'grant.revoked',
          grantId: 'grant_1',
          accountId: 'acct_1',
          clientId: 'app_1',
        })
      }
      return answer
    },
    client: async () => ({ dpopBound: false }),
    possessions: proofs(clock),
  })
  assert.deepEqual(await verifier.verify(good()), { ok: false, reason: 'revoked' })
})

test('what an app was given before it began to require proof of possession ends there', async () => {
  const { verifier, bus, facts } = setUp()
  assert.ok((await verifier.verify(good())).ok)
  facts.dpopBound = true
  bus.publish({ type: 'client.changed', clientId: 'app_1' })
  assert.deepEqual(await verifier.verify(good()), { ok: false, reason: 'revoked' })
})

test('a token bound in a way we do not know is refused, not taken for a bearer token', async () => {
  const jkt = 'A'.repeat(43)
  for (const cnf of [
    null,
    {},
    [],
    'x',
    { jkt: 1 },
    { jkt: 'short' },
    { jkt, 'x5t#S256': jkt },
    { kid: 'k1' },
  ]) {
    const { verifier } = setUp()
    const token = signed(header, { ...claims, cnf })
    assert.deepEqual(await verifier.verify(token), { ok: false, reason: 'malformed' })
  }
  const { verifier } = setUp()
  const bound = signed(header, { ...claims, cnf: { jkt } })
  assert.deepEqual(await verifier.verify(bound), { ok: false, reason: 'key_bound' })
  assert.ok((await verifier.inspect(bound)).ok)
})

test('an older epoch, a suspended account and a missing client are told apart as far as they may be', async () => {
  const { verifier, facts } = setUp()
  facts.epoch = 2
  assert.deepEqual(await verifier.verify(good()), { ok: false, reason: 'revoked' })
  facts.epoch = 1
  Object.assign(facts, { state: 'suspended' })
  assert.deepEqual(await verifier.verify(good()), { ok: false, reason: 'suspended' })
  Object.assign(facts, { state: 'limited', client: false })
  assert.deepEqual(await verifier.verify(good()), { ok: false, reason: 'revoked' })
})
