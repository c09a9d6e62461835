import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { createAuth } from '../auth.ts'
import {
  LatchkeyError,
  ProviderMisconfigured,
  ProviderUnavailable,
  SignInFailed,
  SignInRequired,
} from '../errors/errors.ts'
import { seededRandom, virtualClock } from '../testing/virtual-clock.ts'
import { discover, endpoints } from './provider.ts'

/** A provider by hand that answers each token request with the next of `replies`. */
function fixture(...replies: (Response | Record<string, unknown>)[]) {
  const clock = virtualClock()
  const auth = createAuth({
    provider: endpoints({
      token: 'https://old.test/oauth/token',
      authorize: 'https://old.test/oauth/authorize',
    }),
    clientId: 'app',
    clientSecret: 's',
    clock,
    random: seededRandom(1),
    refresh: { background: false },
    fetch: async () => {
      const reply = replies.shift() ?? new Response('', { status: 500 })
      return reply instanceof Response ? reply : Response.json(reply)
    },
  })
  return { auth, clock }
}

const rejection = async (work: Promise<unknown>): Promise<LatchkeyError> => {
  const error = await work.then(
    () => null,
    (reason) => reason,
  )
  assert.ok(error instanceof LatchkeyError, String(error))
  return error
}

test('a set that was issued is kept, however its provider spells the reply', async () => {
  const spellings: Record<string, unknown>[] = [
    { token_type: undefined },
    { expires_in: null, scope: null, id_token: null },
    { refresh_token: '', expires_in: '60' },
    { scope: ['a', 'b'] },
  ]
  for (const spelling of spellings) {
    const { auth } = fixture({ access_token: 'at-1', token_type: 'Bearer', ...spelling })
    const account = await auth.signInByCode('code')
    assert.equal(await account.token(), 'at-1', JSON.stringify(spelling))
    const status = await account.status()
    assert.equal(status.state === 'signed-in' && status.scope, spelling.scope ? 'a b' : null)
  }
})

test('a rotated refresh token is not lost because the reply with it is untidy', async () => {
  const { auth } = fixture(
    { access_token: 'at-1', token_type: 'bearer', refresh_token: 'rt-1' },
    { access_token: 'at-2', refresh_token: 'rt-2', expires_in: null, scope: [] },
  )
  const account = await auth.signInByCode('code')
  assert.equal(await account.token({ stale: 'at-1' }), 'at-2')
  const status = await account.status()
  assert.ok(status.state === 'signed-in' && status.canRefresh && status.generation === 2)
})

test('a refusal is one, whatever its status and media type', async () => {
  const refusals = [
    Response.json({ error: 'bad_refresh_token' }), // GitHub
    Response.json({ ok: false, error: 'invalid_refresh_token' }), // Slack
    new Response('{"error":"invalid_grant"}', {
      status: 403,
      headers: { 'content-type': 'application/problem+json' },
    }),
  ]
  for (const refusal of refusals) {
    const { auth } = fixture(
      { access_token: 'at-1', token_type: 'bearer', refresh_token: 'rt-1' },
      refusal,
    )
    const account = await auth.signInByCode('code')
    const error = await rejection(account.token({ stale: 'at-1' }))
    assert.ok(error instanceof SignInRequired)
    assert.equal(error.code, 'sign_in_refused', 'no cause is made up where none was given')
  }
})

test('a code that is not taken is told apart from an attack, with the provider’s own words', async () => {
  const said = 'Code expired.\u0007 Yours was eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc1'
  const { auth } = fixture(
    Response.json({ error: 'invalid_grant', error_description: said }, { status: 400 }),
  )
  const error = await rejection(auth.signInByCode('code'))
  assert.ok(error instanceof SignInFailed && error.code === 'sign_in_code_refused')
  assert.equal(error.detail, 'invalid_grant')
  assert.match(error.message, /\(invalid_grant: Code expired\. Yours was …\.….abc1\)/)
  assert.match(error.words('zh').happened, /授权码/)
})

test('no error carries a token or a code, not even in what a console prints of its causes', async () => {
  const set = { access_token: 'SECRET-1', refresh_token: 'SECRET-2', id_token: 'SECRET-3' }
  const replies: (Response | Record<string, unknown>)[] = [
    { ...set, token_type: 'mac' },
    { ...set, token_type: 'bearer', expires_in: 'soon' },
    { ...set, token_type: 'bearer', id_token: 5 },
    Response.json({ error: 'invalid_scope', ...set }, { status: 400 }),
    new Response('SECRET-4'),
  ]
  const errors: LatchkeyError[] = []
  for (const reply of replies)
    errors.push(await rejection(fixture(reply).auth.signInByCode('SECRET-5')))
  const said = { error: 'invalid_request', error_description: 'SECRET-2 is not known' }
  for (const reply of [{ ...set, token_type: 'mac' }, Response.json(said, { status: 400 })]) {
    const first = { ...set, id_token: undefined, token_type: 'bearer' }
    const { auth, clock } = fixture(first, reply)
    const account = await auth.signInByCode('code')
    const refused = rejection(account.token({ stale: 'SECRET-1' }))
    await clock.advance(60_000) // what makes no sense is asked for again
    errors.push(await refused)
  }
  const { auth } = fixture()
  const { transaction } = await auth.beginSignIn({ redirectUri: 'https://app.test/callback' })
  for (const query of ['state=other', `state=${transaction.state}&error=access_denied`])
    errors.push(
      await rejection(
        auth.finishSignIn(transaction, `${transaction.redirectUri}?code=SECRET-5&${query}`),
      ),
    )
  assert.equal(errors.length, 9)
  for (const error of errors)
    assert.doesNotMatch(
      inspect(error, { depth: 20, showHidden: true }) + error.stack + JSON.stringify(error),
      /SECRET/,
      error.message,
    )
  assert.ok(errors[0]?.cause instanceof Error && errors[0].cause.message, 'the reason itself stays')
})

test('a redirect that reports a mistake of the app does not blame the person', async () => {
  const { auth } = fixture()
  const cases = [
    ['access_denied', SignInFailed],
    ['invalid_request', ProviderMisconfigured],
    ['unauthorized_client', ProviderMisconfigured],
    ['temporarily_unavailable', ProviderUnavailable],
  ] as const
  for (const [word, type] of cases) {
    const { transaction } = await auth.beginSignIn({ redirectUri: 'https://app.test/callback' })
    const callback = new URL(transaction.redirectUri)
    callback.search = String(
      new URLSearchParams({ state: transaction.state, error: word, error_description: 'because' }),
    )
    const error = await rejection(auth.finishSignIn(transaction, callback))
    assert.ok(error instanceof type, word)
    assert.match(error.message, new RegExp(`${word}: because`))
  }
})

test('metadata that belongs to another spelling of the issuer says which', async () => {
  const fetch = async () => Response.json({ issuer: 'http://localhost:4000' })
  const auth = createAuth({ provider: discover('http://127.0.0.1:4000'), clientId: 'app', fetch })
  const error = await rejection(auth.signInByCode('code'))
  assert.match(error.message, /http:\/\/127\.0\.0\.1:4000: .*http:\/\/localhost:4000/)
})
