import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import { type RegisteredApp, registerApp } from '../harness/oauth-browser.ts'
import { type Person, signedUp } from '../harness/person.ts'
import { startServer, type TestServer } from '../harness/server.ts'

const registered = 'https://app.example/callback'
const native = 'http://127.0.0.1:4000/cb'

describe('a browser is sent to registered addresses alone', () => {
  let server: TestServer
  let person: Person
  let app: RegisteredApp
  let desktop: RegisteredApp
  before(async () => {
    server = await startServer()
    ;({ person } = await signedUp(server.origin))
    app = await registerApp(person, { redirect_uris: [registered] })
    desktop = await registerApp(person, {
      redirect_uris: [native],
      application_type: 'native',
      token_endpoint_auth_method: 'none',
    })
  })
  after(() => server[Symbol.asyncDispose]())

  /** Where a browser that asks with this redirect URI is sent; null: nowhere. `error` is at the URI. */
  const sentTo = async (client: RegisteredApp, redirectUri: string, prompt = 'none') => {
    server.clock.advance(1_000) // nobody is counted out
    const query = new URLSearchParams({
      client_id: client.client_id,
      redirect_uri: redirectUri,
      response_type: 'code',
      scope: 'nonsense', // would be refused at the redirect URI, if there is one
      prompt,
    })
    const answer = await fetch(`${server.origin}/oauth/authorize?${query}`, { redirect: 'manual' })
    await answer.arrayBuffer()
    return answer.headers.get('location')
  }

  test('the registered address is used, and any port of a native app on this machine', async () => {
    assert.ok((await sentTo(app, registered))?.startsWith(`${registered}?`))
    for (const port of ['', ':1', ':4000', ':65535']) {
      const uri = `http://127.0.0.1${port}/cb`
      assert.ok((await sentTo(desktop, uri))?.startsWith(uri), uri)
    }
  })

  test('a loopback address differs in nothing but its port', async () => {
    for (const uri of [
      'http://localhost:4000/cb',
      'http://[::1]:4000/cb',
      'http://127.0.0.2:4000/cb',
      'http://127.1:4000/cb',
      'http://2130706433:4000/cb',
      'http://127.0.0.1.:4000/cb',
      'https://127.0.0.1:4000/cb',
      'http://127.0.0.1:4000/cb/',
      'http://127.0.0.1:4000/cb?x=1',
      'http://127.0.0.1:4000/CB',
      'http://127.0.0.1:4000/cb;x',
      'http://127.0.0.1:4000/x/../cb',
      'http://127.0.0.1:4000/%63b',
      'http://user@127.0.0.1:4000/cb',
      'http://127.0.0.1:4000@evil.example/cb',
      'http://127.0.0.1:4000.evil.example/cb',
      'http://127.0.0.1:99999/cb',
      'http://127.0.0.1:-1/cb',
      'http://127.0.0.1:4000#@evil.example/cb',
      'http://127.0.0.1:4000\\@evil.example/cb',
    ])
      assert.equal(await sentTo(desktop, uri), null, uri)
  })

  test('for whatever text a redirect URI is, nobody is sent anywhere unless it is the registered one', async () => {
    const cut = fc.nat(registered.length)
    const insertion = fc.oneof(
      fc.constantFrom(
        '/',
        '\\',
        '%',
        '%00',
        '%0d%0a',
        '#',
        '?',
        '@',
        ':',
        '.',
        '..',
        ';',
        '*',
        ' ',
      ),
      fc.constantFrom('evil.example', '@evil.example', '.evil.example', '//evil.example'),
      fc.string({ maxLength: 4 }),
      fc.string({ unit: 'grapheme', maxLength: 3 }),
    )
    const mutated = fc.tuple(cut, cut, insertion).map(([from, length, text]) => {
      const rest = registered.slice(from + (length % 4))
      return registered.slice(0, from) + text + rest
    })
    const any = fc.oneof(mutated, fc.webUrl({ withQueryParameters: true }), fc.string())
    await fc.assert(
      fc.asyncProperty(any, async (uri) => {
        const location = await sentTo(app, uri)
        // A single registered address stands in where none was sent (RFC 6749 section 3.1.2.3).
        if (uri !== registered && uri !== '') assert.equal(location, null)
      }),
      { numRuns: 120, seed: 20261121 },
    )
  })
})
