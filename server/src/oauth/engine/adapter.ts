import type { AdapterPayload } from 'oidc-provider'
import { type Clock, second } from '#platform/clock/clock.ts'
import type { Apps } from '../apps/apps.ts'
import type { ArtifactVault } from '../artifacts/vault.ts'
import type { Grants } from '../grants/grants.ts'
import { clientMetadata } from './client-metadata.ts'
import { type Adapter, InvalidGrant } from './library.ts'

/** Somebody else used it first; the work of this request is rolled back. */
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
}

export type AdapterDeps = {
  vault: ArtifactVault
  apps: Apps
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

/** Refused with a reason when they have expired, so they are found until they are swept. */
const foundExpired = new Set(['AuthorizationCode', 'RefreshToken'])

function artifactAdapter(model: string, { vault, grants, clock }: AdapterDeps): Adapter {
  type Found = Awaited<ReturnType<typeof vault.find<AdapterPayload>>>
  const present = (found: Found): AdapterPayload | undefined => {
    if (!found) return undefined
    const { payload, consumedAt, expiresAt } = found
    return {
      ...payload,
      ...(consumedAt === null ? {} : { consumed: Math.floor(consumedAt / second) }),
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
      if (model !== 'ReplayDetection')
        return vault.put(model, id, payload, labels, expiresIn ? expiresIn * second : null)
      if (!(await vault.putOnce(model, id, payload, labels, (expiresIn ?? 0) * second)))
        throw new AlreadyConsumed(model)
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
    destroy: (id) => (model === 'Grant' ? grants.revoke(id, 'reused') : vault.remove(model, id)),
    revokeByGrantId: (grantId) => vault.removeByGrant(grantId, model),
  }
}

const never = async (): Promise<undefined> => undefined

function clientAdapter({ apps }: AdapterDeps): Adapter {
  return {
    async find(id) {
      const app = await apps.lookUp(id)
      return app ? clientMetadata(app) : undefined
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
        exp: Math.floor(Date.now() / second) + 60, // judged by the engine's own clock
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
