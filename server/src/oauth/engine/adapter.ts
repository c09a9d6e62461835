import type { AdapterPayload } from 'oidc-provider'
import { type Clock, second } from '#platform/clock/clock.ts'
import type { Apps } from '../apps/apps.ts'
import type { ArtifactVault } from '../artifacts/vault.ts'
import type { Documents } from '../documents/documents.ts'
import type { Grants } from '../grants/grants.ts'
import type { LentKeys } from '../inspector/lent-keys.ts'
import { appOf, clientMetadata } from './client-metadata.ts'
import {
  type Adapter,
  InvalidClient,
  InvalidClientAuth,
  InvalidGrant,
  Provider,
  TemporarilyUnavailable,
} from './library.ts'
import { addressHeader } from './neutral-request.ts'
import { provenKey } from './proofs.ts'

/** Somebody else used it first, or it is gone; the work of this request is rolled back. */
export class AlreadyConsumed extends InvalidGrant {
  constructor(model: string) {
    super(`${model} already used`)
  }
}

/** What our own session looks like to the engine, for the one request that finishes a transaction. */
export type BridgedSession = {
  sessionId: string
  accountId: string
  authenticatedAt: number
  amr: readonly string[]
}

export type AdapterDeps = {
  vault: ArtifactVault
  apps: Apps
  lentKeys: Pick<LentKeys, 'of'>
  documents: Pick<Documents, 'concerns' | 'resolve'>
  grants: Grants
  clock: Clock
  /** Sessions of requests in flight, by a random name that stands in for the engine's cookie. */
  bridged: ReadonlyMap<string, BridgedSession>
}

/**
 * The engine's storage. Codes and tokens go to the vault; clients are our apps; its own sessions
 * are never kept, because the console's session is the only one (`bridged`).
 */
export const adapters =
  (deps: AdapterDeps) =>
  (model: string): Adapter => {
    switch (model) {
      case 'Client':
        return clientAdapter(deps)
      case 'Session':
        return sessionAdapter(deps)
      default:
        return artifactAdapter(model, deps)
    }
  }

const never = async (): Promise<undefined> => undefined

/** Refused with a reason when they have expired, so they are found until they are swept. */
const foundExpired = new Set(['AuthorizationCode', 'RefreshToken', 'DeviceCode'])

function artifactAdapter(model: string, { vault, grants, clock }: AdapterDeps): Adapter {
  type Found = Awaited<ReturnType<typeof vault.find<AdapterPayload>>>
  /**
   * The token endpoint is not told what was consumed: it would revoke piece by piece in the middle of
   * a transaction. There `consume` alone decides, and `exchange.ts` ends the grant.
   */
  const tellsConsumed = () => Provider.ctx?.oidc.route !== 'token'
  const present = (found: Found): AdapterPayload | undefined => {
    if (!found) return undefined
    const { payload, consumedAt, expiresAt } = found
    return {
      ...payload,
      ...(consumedAt === null || !tellsConsumed()
        ? {}
        : { consumed: Math.floor(consumedAt / second) }),
      ...(expiresAt !== null && expiresAt <= clock.now() ? { exp: 1 } : {}),
    }
  }
  return {
    async upsert(id, payload, expiresIn) {
      const labels = {
        accountId: payload.accountId,
        clientId: payload.clientId,
        grantId: model === 'Grant' ? id : payload.grantId,
        sessionUid: payload.sessionUid,
        uid: payload.uid,
        userCode: payload.userCode,
      }
      if (model === 'RefreshToken') bindToKey(payload)
      if (model !== 'ReplayDetection')
        return vault.put(model, id, payload, labels, expiresIn ? expiresIn * second : null)
      if (!(await vault.putOnce(model, id, payload, labels, (expiresIn ?? 0) * second)))
        throw new InvalidClientAuth('client assertion tokens must only be used once')
    },
    find: async (id) =>
      present(
        foundExpired.has(model)
          ? await vault.findExpiredToo<AdapterPayload>(model, id)
          : await vault.find<AdapterPayload>(model, id),
      ),
    findByUid: async (uid) => present(await vault.findByUid<AdapterPayload>(model, uid)),
    findByUserCode: async (code) =>
      present(await vault.findByUserCode<AdapterPayload>(model, code)),
    async consume(id) {
      if (!(await vault.consume(model, id))) throw new AlreadyConsumed(model)
    },
    async destroy(id) {
      const revoking = Provider.ctx?.oidc.route === 'revocation'
      if (model === 'Grant') return grants.revoke(id, revoking ? 'client_request' : 'reused')
      // Its grant ends next, and leaves its name behind so that a refusal can say why.
      if (model === 'RefreshToken' && revoking) return
      await vault.remove(model, id)
    },
    // A grant ends as one, with the row that stands for it locked first: see `destroy`.
    revokeByGrantId: never,
  }
}

/**
 * RFC 9449 section 5: every refresh token of a public client that proves its key is bound to it, also
 * the successor of one that was not. The engine binds the first of a family alone.
 */
function bindToKey(payload: AdapterPayload): void {
  const ctx = Provider.ctx
  const jkt = ctx ? provenKey(ctx) : null
  if (jkt !== null && appOf(ctx?.oidc.client).authMethod === 'none') payload.jkt ??= jkt
}

/** Where a person is about to be asked about a client; elsewhere nothing is fetched in its name. */
const asking = new Set(['authorization', 'pushed_authorization_request', 'device_authorization'])

function clientAdapter({ apps, documents, lentKeys }: AdapterDeps): Adapter {
  return {
    async find(id) {
      const { ctx } = Provider
      if (ctx && asking.has(ctx.oidc.route) && documents.concerns(id)) {
        const described = await documents.resolve(id, ctx.get(addressHeader))
        if (described.ok) return clientMetadata(described.app)
        if (described.reason === 'too_many') throw new TemporarilyUnavailable(described.detail)
        throw new InvalidClient(`client metadata document: ${described.detail}`)
      }
      const app = await apps.lookUp(id)
      if (!app) return undefined
      const byKey = app.authMethod === 'private_key_jwt' && app.organizationId !== null
      return clientMetadata(app, byKey ? await lentKeys.of(id) : [])
    },
    upsert: never,
    findByUid: never,
    findByUserCode: never,
    consume: never,
    destroy: never,
    revokeByGrantId: never,
  }
}

function sessionAdapter({ bridged }: AdapterDeps): Adapter {
  return {
    async find(id) {
      const session = bridged.get(id)
      if (!session) return undefined
      return {
        jti: id,
        kind: 'Session',
        uid: session.sessionId,
        accountId: session.accountId,
        loginTs: Math.floor(session.authenticatedAt / second),
        exp: 4_102_444_800, // 2100: `bridged` forgets it when the request ends
      }
    },
    upsert: never,
    findByUid: never,
    findByUserCode: never,
    consume: never,
    destroy: never,
    revokeByGrantId: never,
  }
}
