// Signs in to an MCP server of which it knows nothing but the address, and uses its tools:
//   node client.js http://localhost:8787/mcp
import { createServer } from 'node:http'
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'

const address = new URL(process.argv[2] ?? 'http://localhost:8787/mcp')

// Where the browser comes back to: a port of this machine, as long as this program runs.
const callback = createServer()
await new Promise((resolve) => callback.listen(0, '127.0.0.1', resolve))
const redirectUrl = `http://127.0.0.1:${callback.address().port}/callback`

/** In memory: a client that is started again keeps these where only its user can read them. */
const kept = {}
const authProvider = {
  redirectUrl,
  clientMetadata: {
    client_name: 'Example MCP client',
    redirect_uris: [redirectUrl],
    grant_types: ['authorization_code'], // and 'refresh_token' for one that stays longer than ten minutes
    token_endpoint_auth_method: 'none',
  },
  state: () => Object.assign(kept, { state: crypto.randomUUID() }).state,
  clientInformation: () => kept.client,
  saveClientInformation: (client) => Object.assign(kept, { client }),
  tokens: () => kept.tokens,
  saveTokens: (tokens) => Object.assign(kept, { tokens }),
  codeVerifier: () => kept.verifier,
  saveCodeVerifier: (verifier) => Object.assign(kept, { verifier }),
  redirectToAuthorization: (url) => console.log(`open ${url}`),
}

/** The code, once the browser has brought it with the state of this sign-in. */
const codeFromBrowser = () =>
  new Promise((resolve, reject) => {
    callback.on('request', function answer(request, response) {
      const { pathname, searchParams } = new URL(request.url, redirectUrl)
      const ours = pathname === '/callback' && searchParams.get('state') === kept.state
      response.writeHead(ours ? 200 : 404, { 'content-type': 'text/plain' })
      response.end(ours ? 'Done. You can close this page.' : 'Nothing here.')
      if (!ours) return
      callback.off('request', answer)
      const code = searchParams.get('code')
      code ? resolve(code) : reject(new Error(searchParams.get('error')))
    })
  })

/** Does it; when that takes a sign-in, or a wider one, does it again after that. */
async function signedIn(work) {
  const transport = new StreamableHTTPClientTransport(address, { authProvider })
  const client = new Client({ name: 'example', version: '1.0.0' })
  try {
    await client.connect(transport)
    return await work(client)
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error
    await transport.finishAuth(await codeFromBrowser())
    return signedIn(work)
  } finally {
    await client.close()
  }
}

const call = (name, input = {}) =>
  signedIn(async (client) => {
    const { content } = await client.callTool({ name, arguments: input })
    console.log(`${name}: ${content[0].text}`)
  })

try {
  await call('list_notes')
  await call('add_note', { text: 'Buy milk' })
  await call('list_notes')
} finally {
  callback.close()
  callback.closeAllConnections()
}
