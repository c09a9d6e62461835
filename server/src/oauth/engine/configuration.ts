import { hour, minute, second } from '#platform/clock/clock.ts'
import type { Keyring } from '#platform/crypto/keyring.ts'
import { isUnavailable } from '#platform/http/app.ts'
import type { Outbound } from '#platform/outbound/outbound.ts'
import { type Account, mayCall } from '../../accounts/index.ts'
import { identityScopes } from '../access-token.ts'
import { authMethods } from '../apps/app.ts'
import { assertionAlgs } from '../apps/client-key.ts'
import { userCodeMask } from '../device/user-code.ts'
import { dpopAlgorithms } from '../dpop/proof.ts'
import { grantLifeMs, type StoredGrant } from '../grants/grants.ts'
import type { Resources } from '../resources/resources.ts'
import { isIdentityScope, scopeList } from '../scopes.ts'
import type { SigningKey } from '../signing/signing-keys.ts'
import { refreshLifeMs } from '../token/refresh-life.ts'
import { type AdapterDeps, adapters } from './adapter.ts'
import { appOf } from './client-metadata.ts'
import { engineFetch } from './fetch.ts'
import {
  basePolicy,
  Check,
  type Configuration,
  InvalidClientAuth,
  InvalidGrant,
  InvalidScope,
  InvalidTarget,
  type KoaContextWithOIDC,
  Prompt,
  TemporarilyUnavailable,
} from './library.ts'
import { addressHeader } from './neutral-request.ts'
import { refusedBecause } from './refusals.ts'

export type ConfigurationDeps = AdapterDeps & {
  outbound: Pick<Outbound, 'get'>
  origin: string
  resources: Resources
  keyring: Keyring
  keys: readonly SigningKey[]
  findAccount(id: string): Promise<{ account: Account; organizationId: string } | null>
  /** Requests with `prompt=none`, whose answer is ours to give. */
  silentRequests: WeakSet<object>
  showError(ctx: ErrorContext, error: string, status: number): void
}

export type ErrorContext = Pick<KoaContextWithOIDC, 'status' | 'type' | 'body' | 'get'> & {
  response: { remove(name: string): void }
}

export const transactionLifeMs = 10 * minute
export const accessTokenLifeMs = 10 * minute
export const seconds = (ms: number) => Math.floor(ms / second)

export const cookieNames = { session: 'lk_as', interaction: 'lk_as_i', resume: 'lk_as_r' }
export const authorizePath = '/oauth/authorize'
export const logoutPath = '/oauth/logout'
/** An assertion of an app lives no longer (RFC 7523 section 3 leaves it to us). */
const assertionLifeMs = 5 * minute
const clockToleranceMs = 15 * second
const devicePath = '/device'

/** What we ask of the engine. Everything its defaults leave open is decided here. */
export function configuration(deps: ConfigurationDeps): Configuration {
  const { origin, resources, apps, keys, clock, keyring, silentRequests, showError } = deps
  /** What would be refused is not active (RFC 7662 section 2.2); who it is for has been found by now. */
  const standsBehind = async (ctx: KoaContextWithOIDC, accountId: string | undefined) => {
    const found = accountId === undefined ? null : await deps.findAccount(accountId)
    const { epoch } = (ctx.oidc.entities.Grant ?? {}) as Partial<StoredGrant>
    return found !== null && mayCall(found.account.state) && found.account.epoch === epoch
  }
  return {
    adapter: adapters(deps),
    jwks: { keys: keys.map(({ privateJwk }) => privateJwk) as never },
    clients: [],
    scopes: identityScopes,
    claims: {
      openid: ['sub', 'amr'],
      profile: ['name', 'locale'],
      email: ['email', 'email_verified'],
    },
    conformIdTokenClaims: false, // each app decides: see `claims` below
    responseTypes: ['code'],
    pkce: { required: (_ctx, client) => !appOf(client).legacyConfidential },
    allowOmittingSingleRegisteredRedirectUri: true, // RFC 6749 section 3.1.2.3
    clientAuthMethods: [...authMethods],
    clockTolerance: seconds(clockToleranceMs), // of assertions; an app's clock is not ours
    assertJwtClientAuthClaimsAndHeader: async (_ctx, claims, header) =>
      judgeAssertion(claims, header, origin, seconds(clock.now())),
    clientDefaults: {
      id_token_signed_response_alg: 'ES256',
      grant_types: ['authorization_code'],
    },
    enabledJWA: {
      idTokenSigningAlgValues: ['ES256', 'RS256'],
      clientAuthSigningAlgValues: [...assertionAlgs],
      dPoPSigningAlgValues: [...dpopAlgorithms],
    },
    extraClientMetadata: { properties: ['latchkey_app'] },
    clientBasedCORS: () => true, // no credentials are ever allowed along
    cookies: {
      names: cookieNames,
      keys: [keyring.derive('oauth/engine-cookies/1', 32)],
      long: { signed: false, httpOnly: true, sameSite: 'lax' },
      short: { signed: false, httpOnly: true, sameSite: 'lax' },
    },
    discovery: {
      userinfo_endpoint: `${origin}/oauth/userinfo`,
      service_documentation: `${origin}/help`, // RFC 8414 section 2; our CLI finds the articles by it
    },
    routes: {
      authorization: authorizePath,
      token: '/oauth/token',
      jwks: '/oauth/jwks',
      introspection: '/oauth/introspect',
      revocation: '/oauth/revoke',
      userinfo: '/oauth/userinfo',
      end_session: logoutPath,
      pushed_authorization_request: '/oauth/par',
      device_authorization: '/oauth/device',
      code_verification: devicePath, // the console's page; the engine's own is never reached
    },
    ttl: {
      AccessToken: seconds(accessTokenLifeMs),
      ClientCredentials: seconds(accessTokenLifeMs),
      AuthorizationCode: 60,
      IdToken: seconds(hour),
      Interaction: seconds(transactionLifeMs),
      Session: 60,
      RefreshToken: (_ctx, token, client) =>
        seconds(refreshLifeMs(appOf(client), token.iiat, clock.now())),
      Grant: seconds(grantLifeMs),
      DeviceCode: seconds(transactionLifeMs),
    },
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false }, // served by us: our access tokens are JWTs for the gateway
      rpInitiatedLogout: { enabled: false }, // served by us: the session is ours
      pushedAuthorizationRequests: { enabled: true },
      // Proofs are judged by us before the engine sees a request (`proofs.ts`); its own nonces never
      // leave, but with a secret it lets pages of other origins read ours.
      dPoP: {
        enabled: true,
        nonceSecret: keyring.derive('oauth/engine-nonces/1', 32),
        allowReplay: true,
      },
      claimsParameter: { enabled: false },
      clientCredentials: { enabled: true },
      deviceFlow: {
        enabled: true,
        charset: 'base-20',
        mask: userCodeMask,
        deviceInfo: (ctx) => ({
          address: ctx.get(addressHeader),
          userAgent: ctx.get('user-agent').slice(0, 500),
        }),
      },
      revocation: {
        enabled: true,
        allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId,
      },
      introspection: {
        enabled: true,
        allowedPolicy: async (ctx, client, token) =>
          token.clientId === client.clientId &&
          (await standsBehind(ctx, (token as { accountId?: string }).accountId)),
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => resources.gateway,
        useGrantedResource: () => true,
        getResourceServerInfo(ctx, indicator, client) {
          const found = resources.find(indicator)
          if (!found || resourcesAsked(ctx).some((asked) => asked !== indicator))
            throw new InvalidTarget()
          const ceiling = resources.ceiling(found, appOf(client).scopes)
          checkScopes(ctx, ceiling)
          return {
            scope: ceiling.filter((scope) => found.scopes.includes(scope)).join(' '),
            audience: found.identifier,
            accessTokenTTL: seconds(accessTokenLifeMs),
            accessTokenFormat: 'jwt',
            jwt: { sign: { alg: 'ES256' } },
          }
        },
      },
    },
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    expiresWithSession: async () => false, // `sid` and `session.ended` do that, at once
    revokeGrantPolicy: () => true,
    interactions: {
      url: (_ctx, interaction) => `/oauth/tx/${interaction.uid}`,
      policy: policy(silentRequests),
    },
    formats: {
      customizers: {
        jwt(_ctx, _token, jwt) {
          const now = seconds(clock.now())
          Object.assign(jwt.payload, { iat: now, exp: now + seconds(accessTokenLifeMs) })
        },
      },
    },
    async findAccount(ctx, id) {
      const found = await deps.findAccount(id)
      if (!found || !mayCall(found.account.state)) {
        refusedBecause(ctx, found?.account.state === 'suspended' ? 'suspended' : 'revoked')
        return undefined
      }
      const grant = ctx.oidc.entities.Grant as (object & Partial<StoredGrant>) | undefined
      if (grant && grant.epoch !== found.account.epoch) {
        refusedBecause(ctx, 'revoked')
        return undefined
      }
      return {
        accountId: id,
        claims(use) {
          const minimal = use === 'id_token' && appOf(ctx.oidc.client).idTokenClaims === 'minimal'
          return minimal ? { sub: id } : accountClaims(found.account)
        },
        latchkey: found,
      }
    },
    async extraTokenClaims(ctx, token) {
      if (token.kind === 'AccessToken') {
        const { latchkey } = ctx.oidc.account as unknown as {
          latchkey: { account: Account; organizationId: string }
        }
        return {
          sid: token.sessionUid,
          grant_id: token.grantId,
          org_id: latchkey.organizationId,
          epoch: latchkey.account.epoch,
        }
      }
      const app = await apps.lookUp(token.clientId ?? '')
      const maker = app?.createdBy ? await deps.findAccount(app.createdBy) : null
      if (!app?.organizationId || !maker || !mayCall(maker.account.state)) {
        refusedBecause(ctx, maker?.account.state === 'suspended' ? 'suspended' : 'revoked')
        throw new InvalidGrant('the account that made this app may not call')
      }
      return {
        act_for: maker.account.id,
        org_id: app.organizationId,
        epoch: maker.account.epoch,
      }
    },
    renderError(ctx, out, error) {
      const { error: code, error_description: detail } = out
      showError(ctx, detail ? `${code}: ${detail}` : code, errorStatus(error))
    },
    fetch: engineFetch(deps.outbound, clock),
  }
}

/**
 * What the engine leaves open about `private_key_jwt`. The audience is our issuer alone: an assertion
 * that also names another server could be played to us by it.
 */
function judgeAssertion(
  claims: Record<string, unknown>,
  header: Record<string, unknown>,
  issuer: string,
  now: number,
): void {
  const { aud, exp } = claims
  const audience = Array.isArray(aud) && aud.length === 1 ? aud[0] : aud
  if (audience !== issuer)
    throw new InvalidClientAuth('aud of the client_assertion must be the issuer alone')
  if (typeof exp !== 'number' || exp > now + seconds(assertionLifeMs + clockToleranceMs))
    throw new InvalidClientAuth('the client_assertion may live five minutes at most')
  if (!['undefined', 'JWT', 'client-authentication+jwt'].includes(String(header.typ)))
    throw new InvalidClientAuth('typ of the client_assertion is of another kind of token')
  // Members by which a JWT would choose its own key or meaning (RFC 8725 section 3.10).
  if (['jwk', 'jku', 'x5u', 'crit', 'b64'].some((member) => member in header))
    throw new InvalidClientAuth('the header of the client_assertion chooses its key or meaning')
}

/** 400 for everything a client did wrong; 503 when it is we who cannot. */
const errorStatus = (error: Error): number => {
  const { expose } = error as { expose?: boolean }
  if (error instanceof TemporarilyUnavailable) return 503
  return expose === true ? 400 : isUnavailable(error) ? 503 : 500
}

/** The claims of an account, by whichever scopes the grant holds; the engine picks from them. */
export const accountClaims = (account: Account) => ({
  sub: account.id,
  name: account.name,
  locale: account.locale,
  email: account.email,
  email_verified: account.emailVerifiedAt !== null,
})

/** Where a person is going to be asked for scopes. */
const scopedRoutes = new Set([
  'authorization',
  'pushed_authorization_request',
  'device_authorization',
])

/** One a request (RFC 8707 section 2.2 advises it), so that a scope means one thing in it. */
export const resourcesAsked = (ctx: KoaContextWithOIDC): string[] =>
  [ctx.oidc.params?.resource ?? []].flat().map(String)

/** RFC 6749 section 3.3: what the app may not have is refused by name, not dropped in silence. */
function checkScopes(ctx: KoaContextWithOIDC, ceiling: readonly string[]): void {
  const params = ctx.oidc.params
  if (!params) return
  const asked = scopeList(params.scope as string | undefined)
  const machine = ctx.oidc.route === 'token' && params.grant_type === 'client_credentials'
  if (!machine && !scopedRoutes.has(ctx.oidc.route)) return
  const refused = asked.find((scope) => !ceiling.includes(scope))
  if (refused !== undefined)
    throw new InvalidScope('requested scope is not known or not allowed for this client', refused)
  if (machine && asked.length > 0 && asked.every(isIdentityScope))
    throw new InvalidScope('without a person there is nobody to know', asked.join(' '))
  if (asked.length > 0) return
  if (!machine) throw new InvalidScope('ask for at least one scope', '')
  params.scope = ceiling.filter((scope) => !isIdentityScope(scope)).join(' ')
}

/**
 * The engine's questions, with two changes: `prompt=none` is remembered and answered by us, because
 * the engine cannot know whether there is a session (a frame cannot have one: it gets
 * `login_required` at once); and `select_account` is a known prompt.
 */
function policy(silent: WeakSet<object>) {
  const prompts = basePolicy()
  prompts.get('login')?.checks.add(
    new Check('silent', 'answered later', (ctx) => {
      const { oidc } = ctx
      const framed = /^(?:iframe|frame|embed|object)$/.test(ctx.get('sec-fetch-dest'))
      if (oidc.route === 'authorization' && oidc.prompts.has('none') && !framed && oidc.params) {
        silent.add(oidc)
        // What stays beside it is ours to keep, too: the engine has made `max_age=0` a `login`.
        const others = [...oidc.prompts].filter((prompt) => prompt !== 'none')
        oidc.params.prompt = others.length > 0 ? others.join(' ') : undefined
      }
      return Check.NO_NEED_TO_PROMPT
    }),
    0,
  )
  prompts.add(new Prompt({ name: 'select_account', requestable: true }), 1)
  return prompts
}
