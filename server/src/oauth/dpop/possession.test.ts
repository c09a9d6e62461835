import assert from 'node:assert/strict'
import { createHmac, generateKeyPairSync, hash, sign } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { keyHolder, type ProofParts } from '../../../../test/harness/dpop.ts'
import { hour, minute, second } from '../../platform/clock/clock.ts'
import { memoryReplay } from '../../platform/replay/replay.ts'
import { serverNonces } from './nonces.ts'
import { type Possession, possessions } from './possession.ts'

const nowSeconds = 1_800_000_000
const origin = 'https://ai.example'
const url = `${origin}/v1/chat/completions`
const tokenUrl = `${origin}/oauth/token`
const token = 'eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl'
const holder = keyHolder()
const other = keyHolder()

function setUp() {
  const clock = { at: nowSeconds * second - hour, now: () => clock.at }
  const judge = possessions({
    clock,
    nonces: serverNonces(Buffer.alloc(32, 1), clock),
    atTokenEndpoint: memoryReplay(clock),
    atResource: memoryReplay(clock),
  })
  clock.at += hour // what follows was made after the start
  const proof = (more: Parameters<typeof holder.prove>[2] = {}) =>
    holder.prove('POST', url, { token, at: clock.at, ...more })
  const present = (text: string | null, jkt = holder.jkt) =>
    judge.atResource({ proof: text, method: 'POST', url }, token, jkt)
  const presentForTokens = (text: string) =>
    judge.atTokenEndpoint({ proof: text, method: 'POST', url: tokenUrl })
  return { clock, judge, proof, present, presentForTokens }
}

const fault = (answer: Possession) => (answer.ok ? 'none' : answer.fault)
const privateJwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
  format: 'jwk',
})
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ed = generateKeyPairSync('ed25519')
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey.export({ format: 'jwk' })
const publicOf = (jwk: object) => {
  const { kty, crv, x, y } = jwk as Record<string, string>
  return { kty, crv, x, y }
}

/** Every one is otherwise what an honest client would send at this moment. */
const forged: Record<string, [string, ProofParts & { token?: string }]> = {
  'typ JWT': ['typ', { header: { typ: 'JWT' } }],
  'typ at+jwt': ['typ', { header: { typ: 'at+jwt' } }],
  'no typ': ['typ', { header: { typ: undefined } }],
  'alg none': ['alg', { header: { alg: 'none' } }],
  'alg none without a signature': ['malformed', { header: { alg: 'none' }, signature: '' }],
  'alg HS256': ['alg', { header: { alg: 'HS256' } }],
  'alg es256 in lower case': ['alg', { header: { alg: 'es256' } }],
  'alg RS256 with an RSA key': [
    'alg',
    { header: { alg: 'RS256', jwk: rsa.publicKey.export({ format: 'jwk' }) } },
  ],
  'alg EdDSA over an elliptic key': ['jwk', { header: { alg: 'EdDSA' } }],
  'no alg': ['alg', { header: { alg: undefined } }],
  'no key': ['jwk', { header: { jwk: undefined } }],
  'a key that is text': ['jwk', { header: { jwk: 'key' } }],
  'a key that is null': ['jwk', { header: { jwk: null } }],
  'a private key': ['jwk', { header: { jwk: privateJwk } }],
  'a key with an empty private half': ['jwk', { header: { jwk: { ...holder.jwk, d: '' } } }],
  'a symmetric key': ['jwk', { header: { jwk: { kty: 'oct', k: 'c2VjcmV0' } } }],
  'a key of another curve': ['jwk', { header: { jwk: p384 } }],
  'a key of another curve under this name': ['jwk', { header: { jwk: { ...p384, crv: 'P-256' } } }],
  'a point beside the curve': [
    'key',
    { header: { jwk: { ...publicOf(holder.jwk), y: publicOf(other.jwk).y } } },
  ],
  'a padded coordinate': [
    'jwk',
    { header: { jwk: { ...holder.jwk, x: `${publicOf(holder.jwk).x}=` } } },
  ],
  'a key by address': ['malformed', { header: { jku: 'https://evil.example/jwks' } }],
  'a certificate': ['malformed', { header: { x5c: ['MII'] } }],
  'a certificate by address': ['malformed', { header: { x5u: 'https://evil.example/c' } }],
  'a critical header': ['malformed', { header: { crit: ['exp'] } }],
  'an unencoded payload': ['malformed', { header: { b64: false } }],
  'another key in the header than the one that signs': ['key', { header: { jwk: other.jwk } }],
  'a signature by another key': [
    'signature',
    { key: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey },
  ],
  'a signature of zeros': ['signature', { signature: Buffer.alloc(64).toString('base64url') }],
  'a short signature': ['signature', { signature: Buffer.alloc(63).toString('base64url') }],
  'no signature': ['malformed', { signature: '' }],
  'another method': ['htm', { claims: { htm: 'GET' } }],
  'the method in lower case': ['htm', { claims: { htm: 'post' } }],
  'no method': ['htm', { claims: { htm: undefined } }],
  'another path': ['htu', { claims: { htu: `${origin}/v1/models` } }],
  'the path and more': ['htu', { claims: { htu: `${url}/` } }],
  'another host': ['htu', { claims: { htu: 'https://evil.example/v1/chat/completions' } }],
  'another scheme': ['htu', { claims: { htu: url.replace('https', 'http') } }],
  'another port': ['htu', { claims: { htu: url.replace('.example', '.example:8443') } }],
  'an address with somebody in it': ['htu', { claims: { htu: url.replace('//', '//ai@') } }],
  'an address that is none': ['htu', { claims: { htu: 'chat' } }],
  'an address list': ['htu', { claims: { htu: [url] } }],
  'no address': ['htu', { claims: { htu: undefined } }],
  'the hash of another token': ['ath', { token: 'another' }],
  'no hash of the token': ['ath', { claims: { ath: undefined } }],
  'an empty hash': ['ath', { claims: { ath: '' } }],
  'no id': ['jti', { claims: { jti: undefined } }],
  'an empty id': ['jti', { claims: { jti: '' } }],
  'an id that is a number': ['jti', { claims: { jti: 1 } }],
  'no time': ['iat', { claims: { iat: undefined } }],
  'a time in text': ['iat', { claims: { iat: String(nowSeconds) } }],
  'a time without end': ['iat', { claims: { iat: 1e300 } }],
  'a time before all': ['iat', { claims: { iat: -1 } }],
  'an hour old': ['iat', { claims: { iat: nowSeconds - 3_600 } }],
  'an hour ahead': ['iat', { claims: { iat: nowSeconds + 3_600 } }],
  'over by its own word': ['iat', { claims: { exp: nowSeconds } }],
  'not yet by its own word': ['iat', { claims: { nbf: nowSeconds + 60 } }],
  'a nonce that nobody issued': ['nonce', { claims: { nonce: 'AAAA' } }],
  'a nonce of the right length that nobody issued': [
    'nonce',
    { claims: { nonce: Buffer.alloc(22).toString('base64url') } },
  ],
  'a nonce that is a number': ['nonce', { claims: { nonce: 7 } }],
  'more than 4 KB': ['malformed', { claims: { note: 'x'.repeat(4_096) } }],
}

describe('forged proofs', () => {
  for (const [what, [expected, parts]] of Object.entries(forged))
    test(`${what} is refused`, async () => {
      const { proof, present } = setUp()
      assert.equal(fault(await present(proof(parts))), expected)
    })

  test('HS256 keyed with the public key is refused', async () => {
    const { proof, present } = setUp()
    const [head, body] = proof({ header: { alg: 'HS256' } }).split('.')
    const mac = createHmac('sha256', JSON.stringify(holder.jwk)).update(`${head}.${body}`)
    assert.equal(fault(await present(`${head}.${body}.${mac.digest('base64url')}`)), 'alg')
  })

  test('text that is no JWT is refused', async () => {
    const { proof, present } = setUp()
    const good = proof()
    const [head, body, tail] = good.split('.')
    const broken = ['', '.', '..', 'abc', `${good}.x`, `${head}.${body}`, ` ${good}`, `${good}=`]
    for (const text of [...broken, `${head}.bnVsbA.${tail}`, `W10.${body}.${tail}`])
      assert.equal(fault(await present(text)), 'malformed', text)
    assert.equal(fault(await present(null)), 'missing')
    assert.equal(fault(await present(`${good}, ${proof()}`)), 'repeated')
  })

  test('a changed claim is refused', async () => {
    const { proof, present } = setUp()
    const [head, body = '', tail] = proof().split('.')
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as object
    const changed = Buffer.from(JSON.stringify({ ...claims, jti: 'another' })).toString('base64url')
    assert.equal(fault(await present(`${head}.${changed}.${tail}`)), 'signature')
  })
})

test('whatever one byte of a proof is changed to, it does not pass, and nothing throws', async () => {
  const { proof, present } = setUp()
  const text = proof()
  await fc.assert(
    fc.asyncProperty(
      fc.nat(text.length - 1),
      fc.constantFrom(...'AZaz09-_.=+/ ,~é'),
      async (at, letter) => {
        const changed = text.slice(0, at) + letter + text.slice(at + 1)
        return changed === text || !(await present(changed)).ok
      },
    ),
    { numRuns: 400 },
  )
})

test('headers and claims of any form are refused, and nothing throws', async () => {
  const { proof, present } = setUp()
  const honest = proof().split('.')
  const member = (names: string[]) =>
    fc.dictionary(fc.constantFrom(...names, '__proto__', 'constructor'), fc.jsonValue(), {
      maxKeys: 8,
    })
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  await fc.assert(
    fc.asyncProperty(
      fc.option(member(['typ', 'alg', 'jwk', 'kid', 'crit'])),
      fc.option(member(['jti', 'htm', 'htu', 'iat', 'ath', 'nonce', 'exp', 'nbf'])),
      async (header, claims) => {
        if (header === null && claims === null) return true
        const [head, body] = [header ? part(header) : honest[0], claims ? part(claims) : honest[1]]
        return !(await present(`${head}.${body}.${honest[2]}`)).ok
      },
    ),
    { numRuns: 400 },
  )
  await fc.assert(
    fc.asyncProperty(fc.string({ maxLength: 300 }), async (text) => !(await present(text)).ok),
  )
})

test('a proof passes once, of 50 at once exactly one, and for as long as it could pass', async () => {
  const { clock, proof, present } = setUp()
  const text = proof()
  const answers = await Promise.all(Array.from({ length: 50 }, () => present(text)))
  assert.equal(answers.filter(({ ok }) => ok).length, 1)
  for (let passed = 0; passed < 3 * minute; passed += 5 * second) {
    assert.ok(!(await present(text)).ok)
    clock.at += 5 * second
  }
})

test('an id passes once for a key, and other keys have ids of their own', async () => {
  const { clock, judge, proof, present } = setUp()
  assert.ok((await present(proof({ claims: { jti: 'one' } }))).ok)
  clock.at += second
  assert.equal(fault(await present(proof({ claims: { jti: 'one' } }))), 'replayed')
  const theirs = other.prove('POST', url, { token, at: clock.at, claims: { jti: 'one' } })
  assert.ok((await judge.atResource({ proof: theirs, method: 'POST', url }, token, other.jkt)).ok)
})

test('guessing the id of a proof does not use it up', async () => {
  const { proof, present } = setUp()
  const claims = { jti: 'guessed' }
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  assert.equal(fault(await present(proof({ claims, key: privateKey }))), 'signature')
  assert.ok((await present(proof({ claims }))).ok)
})

test('an address passes in every spelling of the same address, query and fragment aside', async () => {
  const { proof, present } = setUp()
  for (const htu of [
    `${url}?a=1#b`,
    'HTTPS://AI.EXAMPLE/v1/chat/completions',
    'https://ai.example:443/v1/chat/completions',
    'https://ai.example/v1/./chat/completions',
  ])
    assert.ok((await present(proof({ claims: { htu } }))).ok, htu)
})

test('a key id, names and uses beside the key change nothing about whose key it is', async () => {
  const { proof, present } = setUp()
  const header = {
    kid: 'the-servers-own',
    jwk: { ...holder.jwk, kid: 'x', use: 'sig', alg: 'ES256' },
  }
  assert.deepEqual(await present(proof({ header })), { ok: true, jkt: holder.jkt })
})

test('Ed25519 proofs pass under both names', async () => {
  const { clock, judge } = setUp()
  const jwk = ed.publicKey.export({ format: 'jwk' })
  const { crv, kty, x } = jwk
  const jkt = hash('sha256', JSON.stringify({ crv, kty, x }), 'base64url')
  for (const alg of ['Ed25519', 'EdDSA']) {
    const body = keyHolder().prove('POST', url, { token, at: clock.at, header: { alg, jwk } })
    const signed = body.slice(0, body.lastIndexOf('.'))
    const text = `${signed}.${sign(null, Buffer.from(signed), ed.privateKey).toString('base64url')}`
    const answer = await judge.atResource({ proof: text, method: 'POST', url }, token, jkt)
    assert.deepEqual(answer, { ok: true, jkt })
  }
})

test('a wrong clock is given a nonce, and passes with it for two minutes', async () => {
  const { clock, judge, proof, present } = setUp()
  const late = (nonce?: string) => proof({ at: clock.at - 10 * minute, nonce: nonce ?? null })
  const refused = await present(late())
  assert.ok(!refused.ok && refused.nonce !== null)
  const { nonce } = refused
  const text = late(nonce)
  assert.ok((await present(text)).ok)
  clock.at += 2 * minute - 1
  assert.ok((await present(late(nonce))).ok)
  assert.equal(fault(await present(text)), 'replayed')
  clock.at += 1
  assert.equal(fault(await present(late(nonce))), 'iat')
  assert.ok((await present(late(judge.nonce()))).ok)
})

test('a proof whose time lies ahead cannot come again when that time has come', async () => {
  const { clock, judge, proof, present } = setUp()
  const text = proof({ at: clock.at + 5 * minute, nonce: judge.nonce() })
  assert.ok((await present(text)).ok)
  for (let passed = 0; passed < 12 * minute; passed += 5 * second) {
    clock.at += 5 * second
    assert.ok(!(await present(text)).ok)
  }
})

test('seconds of difference between two clocks need no nonce', async () => {
  const { clock, proof, present } = setUp()
  for (const off of [-59, -5, 0, 5, 10])
    assert.ok((await present(proof({ at: clock.at + off * second }))).ok, `${off} s`)
  for (const off of [-61, 12])
    assert.equal(fault(await present(proof({ at: clock.at + off * second }))), 'iat', `${off} s`)
})

test('the token endpoint asks for a nonce, which serves ten minutes and each proof once', async () => {
  const { clock, judge, presentForTokens } = setUp()
  const ask = (nonce: string | null, more = {}) =>
    holder.prove('POST', tokenUrl, { at: clock.at, nonce, ...more })
  const first = await presentForTokens(ask(null))
  assert.ok(!first.ok && first.fault === 'nonce' && first.nonce !== null)
  const { nonce } = first
  const text = ask(nonce)
  assert.deepEqual(await presentForTokens(text), { ok: true, jkt: holder.jkt })
  assert.equal(fault(await presentForTokens(text)), 'replayed')
  assert.ok((await presentForTokens(ask(nonce, { at: 0 }))).ok, 'the nonce tells the time')
  clock.at += 10 * minute - 1
  assert.equal(fault(await presentForTokens(text)), 'replayed')
  assert.ok((await presentForTokens(ask(nonce))).ok)
  clock.at += 1
  assert.equal(fault(await presentForTokens(ask(nonce))), 'nonce')
  assert.equal(fault(await presentForTokens(text)), 'nonce')
  assert.notEqual(judge.nonce(), nonce)
})

test('a proof made before a restart does not pass after it', async () => {
  const { clock, proof } = setUp()
  const before = proof({ at: clock.at })
  const nonces = serverNonces(Buffer.alloc(32, 1), clock)
  const stocked = proof({ nonce: nonces.issue() })
  clock.at += second
  const judge = possessions({
    clock,
    nonces,
    atTokenEndpoint: memoryReplay(clock),
    atResource: memoryReplay(clock),
  })
  const present = (text: string) =>
    judge.atResource({ proof: text, method: 'POST', url }, token, holder.jkt)
  for (const text of [before, stocked]) {
    const answer = await present(text)
    assert.ok(!answer.ok && answer.nonce !== null)
    assert.ok((await present(proof({ nonce: judge.nonce() }))).ok)
  }
})
