// An app that signs people in with Latchkey and calls a model in their name. Plain Node and
// openid-client; nothing here knows Latchkey but its address. See README.md beside this file.
import { createServer } from 'node:http'
import * as client from 'openid-client'

const { ISSUER = 'http://localhost:4000', CLIENT_ID, CLIENT_SECRET, PORT = '3000' } = process.env
if (!CLIENT_ID || !CLIENT_SECRET) throw new Error('set CLIENT_ID and CLIENT_SECRET')

const onThisMachine = ISSUER.startsWith('http://') ? [client.allowInsecureRequests] : []
const config = await client.discovery(new URL(ISSUER), CLIENT_ID, CLIENT_SECRET, undefined, {
  execute: onThisMachine,
})

/** Sign-ins under way, by `state`; the browser keeps the state in a cookie and has to bring both. */
const pending = new Map()
const cookie = (value, seconds) =>
  `state=${value}; HttpOnly; SameSite=Lax; Path=/; Max-Age=${seconds}`
const escapeHtml = (text) =>
  text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)

const server = createServer(async (request, response) => {
  const here = `http://127.0.0.1:${server.address().port}`
  const url = new URL(request.url, here)
  const page = (status, html) =>
    response.writeHead(status, { 'content-type': 'text/html; charset=utf-8' }).end(html)
  try {
    if (url.pathname === '/sign-in') {
      const codeVerifier = client.randomPKCECodeVerifier()
      const state = client.randomState()
      const target = client.buildAuthorizationUrl(config, {
        redirect_uri: `${here}/callback`,
        scope: 'openid profile email chat:write',
        code_challenge: await client.calculatePKCECodeChallenge(codeVerifier),
        code_challenge_method: 'S256',
        state,
      })
      pending.set(state, codeVerifier)
      setTimeout(() => pending.delete(state), 600_000).unref()
      response.writeHead(302, { location: target.href, 'set-cookie': cookie(state, 600) }).end()
    } else if (url.pathname === '/callback') {
      const state = /(?:^|; )state=([\w-]+)/.exec(request.headers.cookie ?? '')?.[1] ?? ''
      const pkceCodeVerifier = pending.get(state)
      if (!pkceCodeVerifier) return page(400, '<p>Please <a href="/sign-in">start again</a>.</p>')
      pending.delete(state)
      const tokens = await client.authorizationCodeGrant(config, url, {
        pkceCodeVerifier,
        expectedState: state,
      })
      const answer = await fetch(`${ISSUER}/v1/chat/completions`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${tokens.access_token}`,
          'content-type': 'application/json',
        },
        body: JSON.stringify({
          model: process.env.MODEL ?? 'latchkey-demo',
          messages: [{ role: 'user', content: 'Say hello in five words.' }],
        }),
      })
      const { choices, error } = await answer.json()
      const said = choices?.[0].message.content ?? error.message
      response.setHeader('set-cookie', cookie('', 0))
      page(200, `<h1>Hello, ${escapeHtml(tokens.claims().name)}</h1><p>${escapeHtml(said)}</p>`)
    } else page(200, '<h1>Example app</h1><p><a href="/sign-in">Sign in with Latchkey</a></p>')
  } catch (error) {
    // What the person denied or the server refused arrives here, with a name and a sentence.
    page(400, `<p>Sign-in failed: ${escapeHtml(error.error_description ?? error.message)}</p>`)
  }
})
server.listen(Number(PORT), '127.0.0.1', () =>
  console.log(`open http://127.0.0.1:${server.address().port}`),
)
