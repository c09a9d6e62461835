import { createPrivateKey, type KeyObject, sign } from 'node:crypto'
import { type Clock, second } from '#platform/clock/clock.ts'
import type { Database } from '#platform/db/database.ts'
import type { Random } from '#platform/ids/ids.ts'
import { errorFields, type Log } from '#platform/log/log.ts'
import { type Account, mayCall } from '../../accounts/index.ts'
import { gatewayScopes } from '../access-token.ts'
import type { OAuthApp } from '../apps/app.ts'
import type { Apps } from '../apps/apps.ts'
import type { ArtifactVault } from '../artifacts/vault.ts'
import { accessTokenLifeMs } from '../engine/configuration.ts'
import { sealedReplay } from '../engine/exchange.ts'
import type { Grants } from '../grants/grants.ts'
import { isGatewayScope, scopeList } from '../scopes.ts'
import type { SigningKey } from '../signing/signing-keys.ts'
import { authenticatedClient } from './client-of.ts'
import { refreshLifeMs } from './refresh-life.ts'
import { renewAfter } from './renew-after.ts'
import { sharedCommit } from './shared-commit.ts'
import { grantedBy, isUncommon, type StoredToken } from './stored.ts'

export type DirectDeps = {
  origin: string
  resource: string
  database: Database
  vault: ArtifactVault
  apps: Apps
  grants: Grants
  clock: Clock
  random: Random
  log: Log
  /** Signs now. */
  signingKey(): SigningKey
  findAccount(id: string): Promise<{ account: Account; organizationId: string } | null>
}

export type TokenRequest = {
  form: URLSearchParams
  authorization: string | undefined
  /** Of whoever sends it. */
  address: string
  /** The key that the sender has proven to hold. */
  jkt: string | null
}
export type DirectTokens = (request: TokenRequest) => Promise<object | null>

/**
 * The two grants that machines ask for all day, answered without the engine: client credentials,
 * and a refresh without an ID token. About a fifth of the engine's work, the same rows, the same
 * claims, the same single atomic claim (`exchange.ts`).
 *
 * Only a plain request that will succeed is answered. Null says: not mine; nothing has happened, and
 * the engine answers, also with every refusal and for whoever lost a race.
 */
export function directTokens(deps: DirectDeps): DirectTokens {
  const { vault, clock, resource } = deps
  const commit = sharedCommit(deps.database)
  const signWith = signer()

  return async ({ form, authorization, address, jkt }) => {
    const names = [...form.keys()]
    if (new Set(names).size !== names.length) return null // RFC 6749 section 3.2: none twice
    const grantType = form.get('grant_type')
    const known = grantType === 'refresh_token' ? 'refresh_token' : 'scope'
    if (names.some((name) => !['grant_type', 'client_id', 'client_secret', known].includes(name)))
      return null
    try {
      const app = await authenticatedClient(deps.apps, form, authorization)
      if (!app || (app.dpopBound && jkt === null)) return null
      if (grantType === 'client_credentials')
        return await clientCredentials(app, form.get('scope'), jkt)
      if (grantType === 'refresh_token')
        return await refresh(app, form.get('refresh_token') ?? '', { address, jkt })
      return null
    } catch (error) {
      deps.log.warn({ err: errorFields(error) }, 'a grant is left to the engine')
      return null
    }
  }

  async function clientCredentials(
    app: OAuthApp,
    asked: string | null,
    jkt: string | null,
  ): Promise<object | null> {
    if (!app.grantTypes.includes('client_credentials') || !app.createdBy || !app.organizationId)
      return null
    const ceiling = gatewayScopes.filter((scope) => app.scopes.includes(scope))
    const wanted = asked === null ? ceiling : scopeList(asked)
    if (
      wanted.length === 0 ||
      !wanted.every((scope) => isGatewayScope(scope) && ceiling.includes(scope))
    )
      return null
    const maker = await deps.findAccount(app.createdBy)
    if (!maker || !mayCall(maker.account.state)) return null
    const scope = wanted.join(' ')
    const { accessToken, expiresIn } = accessTokenFor(app, app.clientId, scope, {
      act_for: maker.account.id,
      org_id: app.organizationId,
      epoch: maker.account.epoch,
      ...boundTo(jkt),
    })
    await deps.apps.noteUse(app)
    return {
      access_token: accessToken,
      expires_in: expiresIn,
      scope,
      token_type: typeOf(jkt),
      refresh_in: renewAfter(expiresIn, deps.random),
    }
  }

  async function refresh(
    app: OAuthApp,
    token: string,
    { address, jkt }: Pick<TokenRequest, 'address' | 'jkt'>,
  ): Promise<object | null> {
    if (token === '' || !app.grantTypes.includes('refresh_token')) return null
    const stored = await vault.find<StoredToken>('RefreshToken', token)
    if (!stored || stored.consumedAt !== null) return null
    const old = stored.payload
    const { accountId, grantId, sessionUid } = old
    if (!accountId || !grantId || !sessionUid || old.clientId !== app.clientId) return null
    if (old.jkt !== undefined && old.jkt !== jkt) return null
    if (isUncommon(old)) return null
    const scopes = scopeList(old.scope)
    if (scopes.includes('openid') || String(old.resource) !== resource) return null

    const granted = old.granted ?? (await grantedBy(vault, resource, old))
    const person = await deps.findAccount(accountId)
    if (!granted || !person || !mayCall(person.account.state)) return null
    if (granted.epoch !== person.account.epoch) return null
    const scope = scopeList(granted.scope)
      .filter((one) => isGatewayScope(one) && scopes.includes(one) && app.scopes.includes(one))
      .join(' ')
    if (scope === '') return null

    const { accessToken, expiresIn } = accessTokenFor(app, accountId, scope, {
      sid: sessionUid,
      grant_id: grantId,
      org_id: person.organizationId,
      epoch: person.account.epoch,
      ...boundTo(jkt),
    })
    const successor = deps.random.bytes(32).toString('base64url')
    const answer = {
      access_token: accessToken,
      expires_in: expiresIn,
      refresh_token: successor,
      scope,
      token_type: typeOf(jkt),
    }
    const now = Math.floor(clock.now() / second)
    const labels = { accountId, clientId: app.clientId, grantId, sessionUid }
    const lifeMs = refreshLifeMs(app, old.iiat, clock.now())
    const next: StoredToken = {
      ...old,
      jti: successor,
      iat: now,
      exp: now + Math.floor(lifeMs / second),
      rotations: (old.rotations ?? 0) + 1,
      granted,
      ...(jkt !== null && app.authMethod === 'none' ? { jkt } : {}),
      gty: old.gty?.endsWith('refresh_token') ? old.gty : `${old.gty ?? ''} refresh_token`.trim(),
    }
    const replay = sealedReplay(deps, app, token, { answer, scope: '', resource: '', jkt })
    const successorOf = { value: successor, payload: next, labels, lifeMs }
    const rotate = await vault.rotation('RefreshToken', token, replay, successorOf)
    // Of any number at once exactly one passes; revocation has removed the row.
    if (!(await commit(rotate))) return null
    try {
      await deps.apps.noteUse(app)
      await deps.grants.noteUse(grantId, { address, renewsUntil: clock.now() + lifeMs })
    } catch (error) {
      // The token is used up: whoever asks anew for want of an answer may look like a thief.
      deps.log.warn({ err: errorFields(error) }, 'last use could not be noted')
    }
    return { ...answer, refresh_in: renewAfter(expiresIn, deps.random) }
  }

  /** RFC 9068. */
  function accessTokenFor(app: OAuthApp, sub: string, scope: string, members: object) {
    const now = Math.floor(clock.now() / second)
    const expiresIn = accessTokenLifeMs / second
    const accessToken = signWith(deps.signingKey(), {
      ...members,
      jti: deps.random.bytes(16).toString('base64url'),
      sub,
      iat: now,
      exp: now + expiresIn,
      scope,
      client_id: app.clientId,
      iss: deps.origin,
      aud: resource,
    })
    return { accessToken, expiresIn }
  }
}

/** RFC 9449 section 6.1. */
const boundTo = (jkt: string | null) => (jkt === null ? {} : { cnf: { jkt } })
const typeOf = (jkt: string | null) => (jkt === null ? 'Bearer' : 'DPoP')

/** Signs on this thread: three times as fast as handing 60 µs of work to another one. */
function signer(): (key: SigningKey, claims: object) => string {
  let current: { kid: string; head: string; key: KeyObject } | undefined
  return (signing, claims) => {
    if (current?.kid !== signing.kid)
      current = {
        kid: signing.kid,
        head: encode({ alg: signing.alg, typ: 'at+jwt', kid: signing.kid }),
        key: createPrivateKey({ key: signing.privateJwk, format: 'jwk' }),
      }
    const signed = `${current.head}.${encode(claims)}`
    const signature = sign('sha256', Buffer.from(signed), {
      key: current.key,
      dsaEncoding: 'ieee-p1363',
    })
    return `${signed}.${signature.toString('base64url')}`
  }
}

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
