import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { askWithProof, keyHolder } from '../../../../test/harness/dpop.ts'
import { createKey } from '../../../../test/harness/journey.ts'
import { startNodes } from '../../../../test/harness/nodes.ts'
import {
  attempt,
  authorize,
  discover,
  registerApp,
} from '../../../../test/harness/oauth-browser.ts'
import { type Person, signedUp } from '../../../../test/harness/person.ts'
import { raw, requestText } from '../../../../test/harness/raw.ts'
import { startServer, type TestServer } from '../../../../test/harness/server.ts'
import { minute } from '../../platform/clock/clock.ts'

type Surface = { name: string; method: string; path: string }
const surfaces: readonly Surface[] = [
  { name: 'gateway', method: 'GET', path: '/v1/models' },
  { name: 'userinfo', method: 'GET', path: '/oauth/userinfo' },
]

describe('a bound access token at a resource', () => {
  let server: TestServer
  let person: Person
  let token: string
  let plain: string
  let key: string
  const holder = keyHolder()
  const thief = keyHolder()
  before(async () => {
    server = await startServer()
    person = (await signedUp(server.origin)).person
    key = (await createKey(person)).secret
    const app = await registerApp(person, { token_endpoint_auth_method: 'none' })
    const signIn = async (by: typeof holder | null) => {
      const started = await attempt(await discover(server.origin, app))
      const back = await authorize(person, started.url)
      const tokens = await askWithProof(server.origin, by, {
        grant_type: 'authorization_code',
        client_id: app.client_id,
        code: back.searchParams.get('code') ?? '',
        code_verifier: started.verifier,
        redirect_uri: 'https://app.example/callback',
      })
      return tokens.access_token
    }
    token = await signIn(holder)
    plain = await signIn(null)
    server.clock.advance(minute) // proofs may be older than the start by now
  })
  after(() => server[Symbol.asyncDispose]())

  const at = () => server.clock.now()
  const call = async (
    { method, path }: Surface,
    authorization: string | undefined,
    proofs: readonly string[],
    more: Record<string, string> = {},
  ) => {
    const answer = await raw(
      server.origin,
      requestText(method, path, {
        ...(authorization ? { Authorization: authorization } : {}),
        ...more,
      }).replace('\r\n\r\n', `${proofs.map((proof) => `\r\nDPoP: ${proof}`).join('')}\r\n\r\n`),
    )
    const challenge = answer.headers.get('www-authenticate') ?? ''
    return { ...answer, challenge, error: /error="([^"]+)"/.exec(challenge)?.[1] }
  }

  for (const surface of surfaces) {
    const { name, method, path } = surface
    const url = () => server.origin + path
    const prove = (more: Parameters<typeof holder.prove>[2] = {}) =>
      holder.prove(method, url(), { token, at: at(), ...more })
    const shape = (text: string, code: string) => {
      const body = JSON.parse(text) as { error: string | { code: string; help: string } }
      if (typeof body.error === 'string') return assert.equal(body.error, code)
      assert.equal(body.error.code, code)
      assert.equal(body.error.help, `${server.origin}/help/dpop`)
    }

    test(`${name}: it passes with the DPoP scheme and a proof, in any spelling of the scheme`, async () => {
      for (const scheme of ['DPoP', 'dpop', 'DPOP']) {
        const answer = await call(surface, `${scheme} ${token}`, [prove()])
        assert.equal(answer.status, 200, answer.text)
      }
    })

    test(`${name}: presented as a bearer token it is refused, proof or not`, async () => {
      for (const proofs of [[], [prove()]]) {
        const answer = await call(surface, `Bearer ${token}`, proofs)
        assert.equal(answer.status, 401)
        assert.match(answer.challenge, /^DPoP error="invalid_token".*algs="ES256 Ed25519 EdDSA"$/)
        assert.equal(answer.error, 'invalid_token')
      }
    })

    test(`${name}: a token that is bound to nothing is refused under the DPoP scheme`, async () => {
      const proof = holder.prove(method, url(), { token: plain, at: at() })
      const answer = await call(surface, `DPoP ${plain}`, [proof])
      assert.equal(answer.status, 401)
      assert.match(answer.challenge, /^DPoP error="invalid_token"/)
      assert.equal((await call(surface, `Bearer ${plain}`, [])).status, 200)
    })

    test(`${name}: a replayed proof is refused`, async () => {
      const proof = prove()
      assert.equal((await call(surface, `DPoP ${token}`, [proof])).status, 200)
      const again = await Promise.all(
        Array.from({ length: 10 }, () => call(surface, `DPoP ${token}`, [proof])),
      )
      for (const { status, error, text } of again) {
        assert.deepEqual([status, error], [401, 'invalid_dpop_proof'])
        shape(text, 'invalid_dpop_proof')
      }
    })

    test(`${name}: wrong proofs are refused, each with its challenge`, async () => {
      const wrong: [string, string[]][] = [
        ['none', []],
        ['two headers', [prove(), prove()]],
        ['an empty one', ['']],
        ['for another method', [holder.prove('POST', url(), { token, at: at() })]],
        ['for another address', [holder.prove(method, `${url()}/x`, { token, at: at() })]],
        ['for another token', [holder.prove(method, url(), { token: plain, at: at() })]],
        ['for no token', [holder.prove(method, url(), { at: at() })]],
        ['by another key', [thief.prove(method, url(), { token, at: at() })]],
        ['alg none', [prove({ header: { alg: 'none' } })]],
        ['too large', [prove({ claims: { note: 'x'.repeat(5_000) } })]],
        ['no JWT', ['abc']],
      ]
      for (const [what, proofs] of wrong) {
        const answer = await call(surface, `DPoP ${token}`, proofs)
        assert.deepEqual([answer.status, answer.error], [401, 'invalid_dpop_proof'], what)
        assert.match(answer.challenge, /^DPoP .*algs="ES256 Ed25519 EdDSA"$/, what)
        shape(answer.text, 'invalid_dpop_proof')
      }
    })

    test(`${name}: the address is the configured one, whatever Host says`, async () => {
      const host = { Host: 'evil.example' }
      const forTheirs = holder.prove(method, `http://evil.example${path}`, { token, at: at() })
      const refused = await call(surface, `DPoP ${token}`, [forTheirs], host)
      assert.equal(refused.error, 'invalid_dpop_proof')
      assert.equal((await call(surface, `DPoP ${token}`, [prove()], host)).status, 200)
    })

    test(`${name}: stale and future proofs are told to use a nonce, which then passes`, async () => {
      for (const off of [-2 * minute, 2 * minute, -3_600_000]) {
        const time = { at: at() + off }
        const answer = await call(surface, `DPoP ${token}`, [prove(time)])
        assert.deepEqual([answer.status, answer.error], [401, 'use_dpop_nonce'])
        shape(answer.text, 'use_dpop_nonce')
        const nonce = answer.headers.get('dpop-nonce') ?? ''
        const next = await call(surface, `DPoP ${token}`, [prove({ ...time, nonce })])
        assert.equal(next.status, 200, next.text)
      }
      const foreign = await call(surface, `DPoP ${token}`, [prove({ nonce: 'made-up' })])
      assert.equal(foreign.error, 'use_dpop_nonce')
    })

    test(`${name}: who sends nothing is told both schemes`, async () => {
      const { status, challenge } = await call(surface, undefined, [])
      assert.equal(status, 401)
      assert.match(challenge, /^Bearer\b.*, DPoP algs="ES256 Ed25519 EdDSA"$/)
    })
  }

  test('an API key under the DPoP scheme is refused, and beside a bound token it conflicts', async () => {
    const [models] = surfaces
    assert.ok(models)
    const answer = await call(models, `DPoP ${key}`, [])
    assert.deepEqual([answer.status, answer.error], [401, 'invalid_token'])
    const proof = holder.prove('GET', `${server.origin}/v1/models`, { token, at: at() })
    const both = await call(models, `DPoP ${token}`, [proof], { 'x-api-key': key })
    assert.equal(both.status, 400)
    const downgraded = await call(models, `DPoP ${token}`, [proof], { 'x-api-key': token })
    assert.equal(downgraded.status, 400)
  })

  test('a call with a body is proven like any other, and its query is no part of the address', async () => {
    const path = '/v1/chat/completions'
    const post = (proof: string) =>
      fetch(`${server.origin}${path}?trace=1`, {
        method: 'POST',
        headers: {
          authorization: `DPoP ${token}`,
          dpop: proof,
          'content-type': 'application/json',
        },
        body: JSON.stringify({
          model: 'latchkey-demo',
          messages: [{ role: 'user', content: 'Hello' }],
        }),
      })
    const proof = holder.prove('POST', server.origin + path, { token, at: at() })
    assert.equal((await post(proof)).status, 200)
    assert.equal((await post(proof)).status, 401)
  })

  test('a form at userinfo is proven for its own method', async () => {
    const url = `${server.origin}/oauth/userinfo`
    const post = (dpop: string) =>
      fetch(url, { method: 'POST', headers: { authorization: `DPoP ${token}`, dpop } })
    assert.equal((await post(holder.prove('GET', url, { token, at: at() }))).status, 401)
    assert.equal((await post(holder.prove('POST', url, { token, at: at() }))).status, 200)
  })

  test('metadata says what proofs may be signed with, and that they are not required', async () => {
    const read = async (path: string) =>
      (await (await fetch(server.origin + path)).json()) as Record<string, unknown>
    const algorithms = ['ES256', 'Ed25519', 'EdDSA']
    for (const path of [
      '/.well-known/openid-configuration',
      '/.well-known/oauth-authorization-server',
    ])
      assert.deepEqual((await read(path)).dpop_signing_alg_values_supported, algorithms)
    const resource = await read('/.well-known/oauth-protected-resource/v1')
    assert.deepEqual(resource.dpop_signing_alg_values_supported, algorithms)
    assert.equal(resource.dpop_bound_access_tokens_required, false)
  })

  test('no proof, token or nonce is written into the log', () => {
    assert.deepEqual(
      server.logLines.filter((line) => /dpop\+jwt|eyJ[\w-]{20}/.test(line)),
      [],
    )
  })
})

const redis = process.env.LATCHKEY_TEST_REDIS_URL
test('a proof that one node has seen is refused by the other', {
  skip: redis && process.env.LATCHKEY_TEST_POSTGRES_URL ? false : 'needs PostgreSQL and Redis',
}, async () => {
  await using nodes = await startNodes(2, { redisUrl: redis ?? '' })
  const { origin } = nodes
  const addresses = nodes.all.map(({ address }) => address)
  const { person } = await signedUp(origin)
  const app = await registerApp(person, {
    redirect_uris: [],
    scope: 'models:read',
    token_endpoint_auth_method: 'client_secret_post',
  })
  const holder = keyHolder()
  const form = {
    grant_type: 'client_credentials',
    client_id: app.client_id,
    client_secret: app.client_secret ?? '',
  }
  const granted = await askWithProof(origin, holder, form, { address: addresses[1] ?? '' })
  assert.equal(granted.status, 200)

  const url = `${origin}/v1/models`
  for (let round = 0; round < 5; round++) {
    const headers = {
      authorization: `DPoP ${granted.access_token}`,
      dpop: holder.prove('GET', url, { token: granted.access_token }),
    }
    const answers = await Promise.all(
      Array.from({ length: 6 }, async (_, i) => {
        const { status } = await fetch(`${addresses[i % 2]}/v1/models`, { headers })
        return status
      }),
    )
    assert.deepEqual(answers.sort(), [200, 401, 401, 401, 401, 401])
  }

  const proof = holder.prove('POST', `${origin}/oauth/token`, { nonce: granted.nonce })
  const grants = await Promise.all(
    Array.from({ length: 6 }, async (_, i) => {
      const response = await fetch(`${addresses[i % 2]}/oauth/token`, {
        method: 'POST',
        headers: { dpop: proof },
        body: new URLSearchParams(form),
      })
      return response.status
    }),
  )
  assert.deepEqual(grants.sort(), [200, 400, 400, 400, 400, 400])
})
