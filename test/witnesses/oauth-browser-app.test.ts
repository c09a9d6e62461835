import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type * as oauth4webapi from 'oauth4webapi'
import type { Browser } from 'playwright-core'
import { noChromium, openBrowser } from '../harness/browser.ts'
import { signedUp } from '../harness/person.ts'
import { startServer, type TestServer } from '../harness/server.ts'

type Library = typeof oauth4webapi
type Kept = {
  as: oauth4webapi.AuthorizationServer
  client: oauth4webapi.Client
  verifier: string
}

/**
 * An app that lives in a browser alone: oauth4webapi in Chromium, on a site of its own. Every answer
 * has to cross origins, which only a browser checks.
 */
describe('an app in a browser, on another site', { skip: noChromium }, () => {
  let server: TestServer
  let browser: Browser
  let site: string
  const library = readFileSync(fileURLToPath(import.meta.resolve('oauth4webapi')), 'utf8')
  const pages = createServer((request, response) => {
    const script = request.url === '/oauth4webapi.js'
    response.writeHead(200, { 'content-type': script ? 'text/javascript' : 'text/html' })
    response.end(script ? library : '<h1>An app</h1>')
  })
  before(async () => {
    server = await startServer()
    await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve))
    const address = pages.address()
    assert.ok(address && typeof address === 'object')
    site = `http://127.0.0.1:${address.port}`
    browser = await openBrowser()
  })
  after(async () => {
    await browser?.close()
    pages.closeAllConnections()
    pages.close()
    await server?.[Symbol.asyncDispose]()
  })

  test('it discovers, registers, signs a person in, refreshes, reads userinfo, calls the gateway and revokes', async () => {
    const { email, password, accountId } = await signedUp(server.origin)
    await using context = await browser.newContext({ locale: 'en-US' })
    const page = await context.newPage()
    await page.goto(site)
    const started = await page.evaluate(
      async ({ origin, redirect }) => {
        const path = '/oauth4webapi.js'
        const o = (await import(path)) as Library
        const local = { [o.allowInsecureRequests]: true }
        const resource = new URL('/v1', origin)
        const found = await o.processResourceDiscoveryResponse(
          resource,
          await o.resourceDiscoveryRequest(resource, local),
        )
        const issuer = new URL(found.authorization_servers?.[0] ?? '')
        const response = await o.discoveryRequest(issuer, { ...local, algorithm: 'oauth2' })
        const as = await o.processDiscoveryResponse(issuer, response)
        const refused = await o.dynamicClientRegistrationRequest(as, { redirect_uris: [] }, local)
        const { error } = (await refused.json()) as { error: string }
        const client = await o.processDynamicClientRegistrationResponse(
          await o.dynamicClientRegistrationRequest(
            as,
            {
              redirect_uris: [redirect],
              grant_types: ['authorization_code', 'refresh_token'],
              token_endpoint_auth_method: 'none',
            },
            local,
          ),
        )
        const verifier = o.generateRandomCodeVerifier()
        const url = new URL(as.authorization_endpoint ?? '')
        url.search = String(
          new URLSearchParams({
            client_id: client.client_id,
            response_type: 'code',
            redirect_uri: redirect,
            scope: 'openid email models:read',
            code_challenge: await o.calculatePKCECodeChallenge(verifier),
            code_challenge_method: 'S256',
          }),
        )
        return { kept: JSON.stringify({ as, client, verifier }), url: url.href, error }
      },
      { origin: server.origin, redirect: `${site}/callback` },
    )
    assert.equal(started.error, 'invalid_redirect_uri', 'also what was refused can be read')

    await page.goto(started.url)
    await page.getByLabel('Email').fill(email)
    await page.getByLabel('Password', { exact: true }).fill(password)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('button', { name: 'Allow' }).click()
    await page.waitForURL(`${site}/callback?**`, { timeout: 15_000 })

    const seen = await page.evaluate(
      async ({ kept, redirect, accountId }) => {
        const path = '/oauth4webapi.js'
        const o = (await import(path)) as Library
        const { as, client, verifier } = JSON.parse(kept) as Kept
        const local = { [o.allowInsecureRequests]: true }
        const none = o.None()
        const back = o.validateAuthResponse(as, client, new URL(location.href))
        const first = await o.processAuthorizationCodeResponse(
          as,
          client,
          await o.authorizationCodeGrantRequest(as, client, none, back, redirect, verifier, local),
        )
        const refresh = async (token = '') =>
          o.processRefreshTokenResponse(
            as,
            client,
            await o.refreshTokenGrantRequest(as, client, none, token, local),
          )
        const second = await refresh(first.refresh_token)
        const userinfo = await o.processUserInfoResponse(
          as,
          client,
          accountId,
          await o.userInfoRequest(as, client, second.access_token, local),
        )
        const api = async (path: string, token: string, body?: object) => {
          const answer = await fetch(new URL(path, as.issuer), {
            method: body ? 'POST' : 'GET',
            headers: {
              authorization: `Bearer ${token}`,
              'x-stainless-lang': 'js', // as SDKs describe themselves
              ...(body ? { 'content-type': 'application/json' } : {}),
            },
            ...(body ? { body: JSON.stringify(body) } : {}),
          })
          const { error } = (await answer.json()) as { error?: { code: string } }
          const told =
            answer.headers.get('x-request-id') && answer.headers.has('x-latchkey-overhead-ms')
          return `${answer.status} ${error?.code ?? 'fine'} ${told}`
        }
        const calls = [
          await api('/v1/models', second.access_token),
          await api('/v1/chat/completions', second.access_token, { model: 'demo', messages: [] }),
          await api('/v1/nothing', second.access_token),
        ]
        const revoked = await o.revocationRequest(as, client, none, second.access_token, local)
        await o.processRevocationResponse(revoked)
        const told = await refresh(second.refresh_token).catch((error) => error.error as string)
        calls.push(await api('/v1/models', second.access_token))
        return { email: userinfo.email, calls, told, cookies: document.cookie }
      },
      { kept: started.kept, redirect: `${site}/callback`, accountId },
    )
    const calls = [
      '200 fine true',
      '403 insufficient_scope true',
      '404 unknown_url true',
      '401 token_revoked true',
    ]
    assert.deepEqual(seen, { email, calls, told: 'invalid_grant', cookies: '' })
  })
})
