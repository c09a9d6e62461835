// An MCP server that lets people in by Latchkey's access tokens: a few notes of one's own, read with
// one scope and written with another. See README.md beside this file.
import { InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js'
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js'
import { createMcpExpressApp } from '@modelcontextprotocol/sdk/server/express.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { createRemoteJWKSet, decodeJwt, errors, jwtVerify } from 'jose'
import { z } from 'zod'
import { challenge, provenKey } from './dpop.js'

const { ISSUER = 'http://localhost:4000', RESOURCE = 'http://localhost:8787/mcp' } = process.env
const resource = new URL(RESOURCE)
const { PORT = resource.port || '8787' } = process.env
const metadataUrl = new URL(`/.well-known/oauth-protected-resource${resource.pathname}`, resource)

const discovery = await fetch(`${ISSUER}/.well-known/oauth-authorization-server`)
const { issuer, jwks_uri } = await discovery.json()
if (issuer !== ISSUER) throw new Error(`${ISSUER} calls itself ${issuer}`)
const keys = createRemoteJWKSet(new URL(jwks_uri))

/** To come in at all takes reading; these tools take more. */
const toolScopes = new Map([['add_note', 'notes:write']])

/**
 * RFC 9068 section 4. A token for another server, an ID token or a token of another kind is none, and
 * one that is bound to a key (RFC 9449) is none without a proof by this key.
 */
const verifierWith = (provenBy) => ({
  async verifyAccessToken(token) {
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer: ISSUER,
        audience: RESOURCE,
        typ: 'at+jwt',
        algorithms: ['ES256'],
        requiredClaims: ['exp', 'sub', 'client_id'],
      })
      if (payload.cnf?.jkt !== provenBy)
        throw new InvalidTokenError(
          payload.cnf ? 'The access token takes a proof by its key' : 'The access token has no key',
        )
      return {
        token,
        clientId: payload.client_id,
        scopes: (payload.scope ?? '').split(' '),
        expiresAt: payload.exp,
        resource,
        extra: { sub: payload.sub },
      }
    } catch (error) {
      // Keys that cannot be fetched are our trouble (500), not the token's (401).
      const ofToken = error instanceof errors.JOSEError
      if (!ofToken || /GENERIC|JWKS_(TIMEOUT|INVALID)/.test(error.code)) throw error
      throw new InvalidTokenError('The access token is invalid, expired, or for another server')
    }
  },
})

const notesOf = new Map()

/** One a request: nothing is kept between two but the notes. */
function notesServer() {
  const server = new McpServer({ name: 'notes', version: '1.0.0' })
  const mine = ({ authInfo }) => notesOf.get(authInfo.extra.sub) ?? []
  const say = (text) => ({ content: [{ type: 'text', text }] })
  server.registerTool('list_notes', { description: 'The notes of who is asking' }, (extra) =>
    say(mine(extra).join('\n') || 'No notes yet.'),
  )
  server.registerTool(
    'add_note',
    { description: 'Keeps a note', inputSchema: { text: z.string().min(1).max(500) } },
    ({ text }, extra) => {
      const notes = [...mine(extra), text].slice(-100)
      notesOf.set(extra.authInfo.extra.sub, notes)
      return say(`Kept. You have ${notes.length}.`)
    },
  )
  return server
}

const app = createMcpExpressApp({ allowedHosts: [resource.hostname] })

// RFC 9728: where the tokens of this server come from. Clients find the rest by themselves.
app.get(metadataUrl.pathname, (_request, response) =>
  response.set('access-control-allow-origin', '*').json({
    resource: RESOURCE,
    authorization_servers: [ISSUER],
    scopes_supported: ['notes:read', 'notes:write'],
    bearer_methods_supported: ['header'],
    dpop_signing_alg_values_supported: ['ES256'],
    resource_name: 'Notes',
  }),
)

const fromWhere = `resource_metadata="${metadataUrl}"`

/** Unverified: it decides no more than in which scheme we say no. */
const isBound = (token) => {
  try {
    return decodeJwt(token).cnf !== undefined
  } catch {
    return false
  }
}

/** 401 without a good token, 403 naming the scopes where they do not reach. */
const authorize = async (request, response, next) => {
  const [scheme, token = ''] = (request.headers.authorization ?? '').split(' ')
  const byKey = /^dpop$/i.test(scheme)
  const { set } = response
  // What the middleware says in the Bearer scheme is said in the one that does.
  response.set = function (name, value) {
    const said = name === 'WWW-Authenticate' && (byKey || isBound(token)) ? challenge(value) : value
    return set.call(this, name, said)
  }
  let provenBy
  if (byKey)
    try {
      const { method, headers } = request
      provenBy = await provenKey({ proof: headers.dpop, method, url: RESOURCE, token })
      headers.authorization = `Bearer ${token}` // the middleware knows no other scheme
    } catch {
      const error = 'invalid_dpop_proof'
      response.set('WWW-Authenticate', `Bearer error="${error}", ${fromWhere}`)
      return response.status(401).json({ error })
    }
  const called = [request.body].flat().map((message) => message?.params?.name)
  const more = called.flatMap((name) => toolScopes.get(name) ?? [])
  return requireBearerAuth({
    verifier: verifierWith(provenBy),
    requiredScopes: [...new Set(['notes:read', ...more])],
    resourceMetadataUrl: metadataUrl.href,
  })(request, response, next)
}

app.post(resource.pathname, authorize, async (request, response) => {
  const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true })
  const server = notesServer()
  response.on('close', () => server.close())
  await server.connect(transport)
  await transport.handleRequest(request, response, request.body)
})
app.all(resource.pathname, authorize, (_request, response) => response.sendStatus(405))

app.listen(Number(PORT), 'localhost', () => console.log(`MCP server: ${RESOURCE}`))
