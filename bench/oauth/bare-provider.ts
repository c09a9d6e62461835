import { generateKeyPairSync } from 'node:crypto'
import http from 'node:http'
import type { Adapter, AdapterPayload } from 'oidc-provider'
import { Provider } from 'oidc-provider/lib/provider.js'

// node-oidc-provider as its documentation sets it up, on the smallest adapter there is: one Map a
// model, in memory, gone with the process. `/mint` hands out codes and refresh tokens for the run.
const port = Number(process.env.PORT)
const origin = `http://127.0.0.1:${port}`
const resource = `${origin}/v1`
const stores = new Map<string, Map<string, AdapterPayload>>()
const kept = 200_000

class MapAdapter implements Adapter {
  readonly #rows: Map<string, AdapterPayload>
  constructor(name: string) {
    this.#rows = stores.get(name) ?? new Map()
    stores.set(name, this.#rows)
  }
  async upsert(id: string, payload: AdapterPayload) {
    this.#rows.set(id, payload)
    const oldest = this.#rows.keys().next()
    if (this.#rows.size > kept && !oldest.done) this.#rows.delete(oldest.value)
  }
  async find(id: string) {
    return this.#rows.get(id)
  }
  async findByUid(uid: string) {
    return this.#rows.values().find((row) => row.uid === uid)
  }
  async findByUserCode(code: string) {
    return this.#rows.values().find((row) => row.userCode === code)
  }
  async consume(id: string) {
    const row = this.#rows.get(id)
    if (row) row.consumed = Math.floor(Date.now() / 1_000)
  }
  async destroy(id: string) {
    this.#rows.delete(id)
  }
  async revokeByGrantId(grantId: string) {
    for (const rows of stores.values())
      for (const [id, row] of rows) if (row.grantId === grantId) rows.delete(id)
  }
}

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const secret = 's'.repeat(43)
const scope = 'models:read chat:write'
const provider = new Provider(origin, {
  adapter: MapAdapter,
  jwks: {
    keys: [
      { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'ES256', kid: 'k1' },
    ] as never,
  },
  clients: [
    {
      client_id: 'bench',
      client_secret: secret,
      grant_types: ['client_credentials', 'refresh_token', 'authorization_code'],
      redirect_uris: ['https://app.example/callback'],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_post',
      id_token_signed_response_alg: 'ES256',
    },
  ],
  findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  pkce: { required: () => true },
  enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => resource,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope,
        audience: resource,
        accessTokenTTL: 600,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
  issueRefreshToken: async () => true,
  rotateRefreshToken: true,
  ttl: { AccessToken: 600, ClientCredentials: 600, RefreshToken: 86_400, Grant: 86_400 },
})

const challenge = process.env.CHALLENGE ?? ''
async function mint(count: number) {
  const client = (await provider.Client.find('bench')) as never
  const made = { codes: [] as string[], refreshTokens: [] as string[] }
  for (let i = 0; i < count; i++) {
    const grant = new provider.Grant({ accountId: `person${i}`, clientId: 'bench' })
    grant.addOIDCScope('offline_access')
    grant.addResourceScope(resource, scope)
    const common = {
      accountId: `person${i}`,
      client,
      grantId: await grant.save(),
      scope: `offline_access ${scope}`,
      gty: 'authorization_code',
      resource,
    }
    made.refreshTokens.push(await new provider.RefreshToken(common as never).save())
    made.codes.push(
      await new provider.AuthorizationCode({
        ...common,
        redirectUri: 'https://app.example/callback',
        codeChallenge: challenge,
        codeChallengeMethod: 'S256',
      } as never).save(),
    )
  }
  return made
}

const handle = provider.callback()
http
  .createServer((request, response) => {
    const count = /^\/mint\?(\d+)$/.exec(request.url ?? '')?.[1]
    if (count === undefined) return void handle(request, response)
    void mint(Number(count)).then((made) => response.end(JSON.stringify(made)))
  })
  .listen(port, '127.0.0.1', 2_048)
