import { errorFields, type Log } from '#platform/log/log.ts'
import { type Account, mayCall } from '../../accounts/index.ts'
import type { OAuthApp } from '../apps/app.ts'
import type { Apps } from '../apps/apps.ts'
import type { ArtifactVault } from '../artifacts/vault.ts'
import { authenticatedClient } from '../token/client-of.ts'
import { grantedBy, isUncommon, type StoredToken } from '../token/stored.ts'
import { describeStructured, type StructuredDeps } from './structured.ts'

export type DirectIntrospectionDeps = StructuredDeps & {
  resource: string
  vault: ArtifactVault
  apps: Apps
  log: Log
  findAccount(id: string): Promise<{ account: Account } | null>
}

export type DirectIntrospection = (request: {
  form: URLSearchParams
  authorization: string | undefined
}) => Promise<object | null>

const known = ['token', 'token_type_hint', 'client_id', 'client_secret']
const inactive = { active: false }

/**
 * Introspection (RFC 7662) of access and refresh tokens, answered without the engine: the same words
 * to the same clients. Null says: not mine, and the engine answers; so with every refusal, with clients
 * that prove themselves otherwise, and with texts that are no token of ours.
 */
export function directIntrospection(deps: DirectIntrospectionDeps): DirectIntrospection {
  return async ({ form, authorization }) => {
    const names = [...form.keys()]
    if (new Set(names).size !== names.length) return null // RFC 6749 section 3.1: none twice
    const token = form.get('token')
    if (!token || names.some((name) => !known.includes(name))) return null
    try {
      const app = await authenticatedClient(deps.apps, form, authorization)
      if (!app) return null
      return token.includes('.')
        ? await describeStructured(deps, app, token)
        : await describeRefreshToken(app, token)
    } catch (error) {
      deps.log.warn({ err: errorFields(error) }, 'an introspection is left to the engine')
      return null
    }
  }

  async function describeRefreshToken(app: OAuthApp, value: string): Promise<object | null> {
    const stored = await deps.vault.find<StoredToken>('RefreshToken', value)
    if (!stored) return null
    const { payload: token, consumedAt } = stored
    if (token.clientId !== app.clientId || consumedAt !== null) return inactive
    const { accountId } = token
    if (isUncommon(token) || !accountId) return null
    const granted = token.granted ?? (await grantedBy(deps.vault, deps.resource, token))
    if (!granted) return null
    const person = await deps.findAccount(accountId)
    if (!person || !mayCall(person.account.state) || person.account.epoch !== granted.epoch)
      return inactive
    return {
      active: true,
      sub: accountId,
      client_id: token.clientId,
      exp: token.exp,
      iat: token.iat,
      ...(token.sid === undefined ? {} : { sid: token.sid }),
      iss: deps.origin,
      ...(token.scope ? { scope: token.scope } : {}),
      ...(token.jkt === undefined ? {} : { cnf: { jkt: token.jkt } }),
    }
  }
}
