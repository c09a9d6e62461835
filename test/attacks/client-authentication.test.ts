import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { callback, type RegisteredApp, registerApp } from '../harness/oauth-browser.ts'
import { type Person, signedUp } from '../harness/person.ts'
import { startServer, type TestServer } from '../harness/server.ts'

type Proof = { form?: Record<string, string>; headers?: Record<string, string> }
const basic = (id: string, secret: string): Proof => ({
  headers: {
    authorization: `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}`,
  },
})

describe('clients prove themselves, each in its own way, wherever they speak for themselves', () => {
  let server: TestServer
  let person: Person
  let byBasic: RegisteredApp
  let byPost: RegisteredApp
  let open: RegisteredApp
  before(async () => {
    server = await startServer()
    ;({ person } = await signedUp(server.origin))
    byBasic = await registerApp(person)
    byPost = await registerApp(person, { token_endpoint_auth_method: 'client_secret_post' })
    open = await registerApp(person, { token_endpoint_auth_method: 'none' })
  })
  after(() => server[Symbol.asyncDispose]())

  const endpoints: Record<string, Record<string, string>> = {
    '/oauth/token': { grant_type: 'refresh_token', refresh_token: 'x' },
    '/v1/oauth/token': { grant_type: 'refresh_token', refresh_token: 'x' },
    '/oauth/introspect': { token: 'x' },
    '/oauth/revoke': { token: 'x' },
    '/oauth/par': {
      redirect_uri: callback,
      response_type: 'code',
      scope: 'openid',
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
    },
  }
  const ask = async (path: string, proof: Proof) => {
    const response = await fetch(server.origin + path, {
      method: 'POST',
      ...(proof.headers ? { headers: proof.headers } : {}),
      body: new URLSearchParams({ ...endpoints[path], ...proof.form }),
    })
    const { error } = (await response.json()) as { error?: string }
    return { status: response.status, error }
  }
  const inForm = (id: string, secret?: string): Proof => ({
    form: { client_id: id, ...(secret === undefined ? {} : { client_secret: secret }) },
  })

  test('the right proof gets past the door of every endpoint', async () => {
    for (const path of Object.keys(endpoints))
      for (const proof of [
        basic(byBasic.client_id, byBasic.client_secret ?? ''),
        inForm(byPost.client_id, byPost.client_secret),
        inForm(open.client_id),
      ])
        assert.ok(
          ![401].includes((await ask(path, proof)).status),
          `${path} ${JSON.stringify(proof)}`,
        )
  })

  test('no proof, another’s, the wrong way, or more than one: refused at every endpoint', async () => {
    const secret = byBasic.client_secret ?? ''
    const wrong: Record<string, Proof> = {
      nothing: {},
      'a name alone': inForm(byBasic.client_id),
      'an empty secret': inForm(byPost.client_id, ''),
      'a wrong secret': inForm(byPost.client_id, 'sk-lk-client_wrong'),
      'another’s secret': inForm(byPost.client_id, secret),
      'Basic with another’s secret': basic(byBasic.client_id, byPost.client_secret ?? ''),
      'Basic of nobody': basic('app_nobody', secret),
      'a secret of a public client': inForm(open.client_id, secret),
      'Basic of a public client': basic(open.client_id, 'x'),
      'both at once': {
        ...basic(byBasic.client_id, secret),
        ...inForm(byBasic.client_id, secret),
      },
      'an assertion': {
        form: {
          client_id: byPost.client_id,
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          client_assertion: 'eyJhbGciOiJub25lIn0.e30.',
        },
      },
      'a certificate that a proxy vouches for': {
        ...inForm(byBasic.client_id),
        headers: { 'x-ssl-client-cert': 'x', 'x-client-verify': 'SUCCESS' },
      },
      'a name that is a prototype': inForm('__proto__', secret),
      'a name that is SQL': inForm("' or '1'='1", secret),
    }
    for (const path of Object.keys(endpoints))
      for (const [what, proof] of Object.entries(wrong)) {
        const { status, error } = await ask(path, proof)
        assert.ok(status === 400 || status === 401, `${path}, ${what}: ${status}`)
        assert.match(error ?? '', /^invalid_(client|request)$/, `${path}, ${what}`)
      }
  })

  test('a client uses no grant and no flow that it is not registered for', async () => {
    const machine = await registerApp(person, {
      redirect_uris: [],
      grant_types: ['client_credentials'],
    })
    const web = await registerApp(person, { grant_types: ['authorization_code'] })
    const grants: Record<string, Record<string, string>> = {
      authorization_code: { code: 'x', code_verifier: 'a'.repeat(43), redirect_uri: callback },
      refresh_token: { refresh_token: 'x' },
      'urn:ietf:params:oauth:grant-type:device_code': { device_code: 'x' },
      client_credentials: {},
      password: { username: 'a', password: 'b' },
      'urn:ietf:params:oauth:grant-type:jwt-bearer': { assertion: 'x.y.z' },
      'urn:ietf:params:oauth:grant-type:token-exchange': { subject_token: 'x' },
      implicit: {},
    }
    const allowed = new Map([
      [machine, ['client_credentials']],
      [web, ['authorization_code']],
    ])
    for (const [app, own] of allowed)
      for (const [grant_type, form] of Object.entries(grants)) {
        if (own.includes(grant_type)) continue
        const response = await fetch(`${server.origin}/oauth/token`, {
          method: 'POST',
          ...basic(app.client_id, app.client_secret ?? ''),
          body: new URLSearchParams({ grant_type, ...form }),
        })
        const { error } = (await response.json()) as { error: string }
        assert.equal(response.status, 400, grant_type)
        assert.match(error, /^(unauthorized_client|unsupported_grant_type)$/, grant_type)
      }
    const flow = await person.get<string>(
      `/oauth/authorize?client_id=${machine.client_id}&response_type=code&scope=openid`,
    )
    assert.equal(flow.status, 400)
    assert.equal(flow.headers.get('location'), null)
  })
})
