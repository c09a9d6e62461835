import type { Clock } from '#platform/clock/clock.ts'
import { base62 } from '#platform/crypto/base62.ts'
import { equalSecret, type Keyring } from '#platform/crypto/keyring.ts'
import { Secret } from '#platform/crypto/secret.ts'
import type { Database } from '#platform/db/database.ts'
import type { EventBus } from '#platform/events/events.ts'
import type { Ids, Random } from '#platform/ids/ids.ts'
import type { Actor, Audit } from '../../audit/index.ts'
import { type AppSettings, hasLapsed, hasSecret, lapseMs, type OAuthApp } from '../apps/app.ts'
import { mintClientSecret } from '../apps/client-secret.ts'
import type { AppStore } from '../apps/store.ts'
import type { ArtifactVault } from '../artifacts/vault.ts'

export type RegistrationDeps = {
  store: AppStore
  vault: ArtifactVault
  database: Database
  keyring: Keyring
  bus: EventBus
  ids: Ids
  random: Random
  clock: Clock
  audit: Pick<Audit, 'append'>
  /** Ends every grant of a client; part of the deletion's transaction. */
  revokeGrants(clientId: string): Promise<void>
}

export type Registered = { app: OAuthApp; secret: Secret | null; token: Secret }

/**
 * Clients that register themselves (RFC 7591) and manage that registration with a token of their own
 * (RFC 7592), of which a sealed digest is kept. They belong to no organization, and people are asked
 * about them every time. One that got no token for 30 days is gone.
 */
export type Registrations = {
  register(settings: AppSettings): Promise<Registered>
  /** The client, when this is its management token; null otherwise, whatever is wrong. */
  find(clientId: string, token: string): Promise<OAuthApp | null>
  /** Replaces what was registered; a secret stays unless the client becomes public or stops being so. */
  replace(app: OAuthApp, settings: AppSettings): Promise<{ app: OAuthApp; secret: Secret | null }>
  remove(app: OAuthApp): Promise<void>
  /** Deletes at most `limit` that have lapsed; returns how many. */
  sweep(limit: number): Promise<number>
}

const model = 'Registration'

export function openRegistrations(deps: RegistrationDeps): Registrations {
  const { store, vault, database, keyring, clock } = deps
  const digestOf = (token: string) => keyring.mac('registration-token', token).digest

  const written = (app: OAuthApp, action: string) =>
    deps.audit.append({
      actor: { kind: 'system', name: 'registration' } satisfies Actor,
      action,
      subject: { kind: 'app', id: app.clientId, name: app.name },
      detail: { redirect_uris: app.redirectUris },
    })
  const changed = ({ clientId }: OAuthApp) =>
    database.afterCommit(() => deps.bus.publish({ type: 'client.changed', clientId }))
  const remove = (app: OAuthApp, action: string) =>
    database.transaction(async () => {
      await deps.revokeGrants(app.clientId)
      if (!(await store.remove(app.clientId))) return // another node was faster, and has written it
      await vault.remove(model, app.clientId)
      changed(app)
      await written(app, action)
    })

  return {
    async register(settings) {
      const minted = hasSecret(settings) ? mintClientSecret(deps) : null
      const token = `sk-lk-reg_${base62(deps.random.bytes(32), 43)}`
      const app: OAuthApp = {
        ...settings,
        clientId: deps.ids('app'),
        organizationId: null,
        createdBy: null,
        secrets: minted ? [minted.stored] : [],
        logoDigest: null,
        createdAt: clock.now(),
        lastUsedAt: null,
        document: null,
      }
      await database.transaction(async () => {
        await store.insert(app)
        const labels = { clientId: app.clientId }
        await vault.put(model, app.clientId, { digest: digestOf(token) }, labels, null)
        await written(app, 'app.registered')
      })
      return { app, secret: minted?.secret ?? null, token: new Secret(token) }
    },

    async find(clientId, token) {
      const kept = await vault.find<{ digest: string }>(model, clientId)
      if (!kept || !equalSecret(kept.payload.digest, digestOf(token))) return null
      const app = await store.find(clientId)
      return app && !hasLapsed(app, clock.now()) ? app : null
    },

    async replace(app, settings) {
      const minted = hasSecret(settings) && !hasSecret(app) ? mintClientSecret(deps) : null
      await database.transaction(async () => {
        await store.update(app.clientId, settings, clock.now())
        if (minted) await store.addSecret(app.clientId, minted.stored, clock.now())
        changed(app)
        await written({ ...app, ...settings }, 'app.changed')
      })
      return { app: { ...app, ...settings }, secret: minted?.secret ?? null }
    },

    remove: (app) => remove(app, 'app.deleted'),

    async sweep(limit) {
      const lapsed = await store.listLapsed(clock.now() - lapseMs, limit)
      for (const app of lapsed) await remove(app, 'app.lapsed')
      return lapsed.length
    },
  }
}
