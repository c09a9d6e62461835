import type { Clock } from '#platform/clock/clock.ts'
import { minute, second } from '#platform/clock/clock.ts'
import type { Keyring } from '#platform/crypto/keyring.ts'
import type { Secret } from '#platform/crypto/secret.ts'
import type { Database } from '#platform/db/database.ts'
import type { EventBus } from '#platform/events/events.ts'
import { remembered } from '#platform/events/remembered.ts'
import { stepUpMs } from '#platform/http/access.ts'
import type { Ids, Random } from '#platform/ids/ids.ts'
import type { Actor, Audit } from '../../audit/index.ts'
import type { Organizations } from '../../organizations/index.ts'
import {
  type AppRefusal,
  type AppSettings,
  hasLapsed,
  hasSecret,
  judgeApp,
  letsOthersIn,
  livingSecrets,
  type OAuthApp,
} from './app.ts'
import { mintClientSecret } from './client-secret.ts'
import type { AppStore } from './store.ts'

export type AppsDeps = {
  store: AppStore
  database: Database
  keyring: Keyring
  bus: EventBus
  ids: Ids
  random: Random
  clock: Clock
  organizations: Pick<Organizations, 'of' | 'roleIn'>
  audit: Pick<Audit, 'append'>
  /** Whether we may connect to a URL. */
  reaches(url: string): boolean
  /** Ends every grant of a client; part of the deletion's transaction. */
  revokeGrants(clientId: string): Promise<void>
}

/** The signed-in person; every change is written down under this name. */
export type Person = Extract<Actor, { id: string }>

export type Refused<R> = { ok: false; reason: R }
export type CreateResult =
  | { ok: true; app: OAuthApp; secret: Secret | null }
  | { ok: false; reason: 'invalid_app'; problems: AppRefusal[] }
  | Refused<'not_found' | 'not_allowed' | 'too_many_apps'>
export type UpdateResult =
  | { ok: true; app: OAuthApp }
  | { ok: false; reason: 'invalid_app'; problems: AppRefusal[] }
  | Refused<'not_found' | 'not_allowed' | 'reauth_required'>
export type RotateResult =
  | { ok: true; app: OAuthApp; secret: Secret }
  | Refused<'not_found' | 'not_allowed' | 'public_client'>

export type Apps = {
  list(accountId: string): Promise<OAuthApp[]>
  /** The app when the account belongs to its organization; otherwise null, as if it did not exist. */
  find(accountId: string, clientId: string): Promise<OAuthApp | null>
  create(
    person: Person,
    organizationId: string | null,
    settings: AppSettings,
  ): Promise<CreateResult>
  /** What lets others act as the app takes a recent proof, like a new secret: `provenAt` is the last. */
  update(
    person: Person,
    clientId: string,
    change: Partial<AppSettings>,
    provenAt: number,
  ): Promise<UpdateResult>
  /** A new secret, shown once; the ones before it live `overlapMs` longer. */
  rotateSecret(person: Person, clientId: string, overlapMs: number): Promise<RotateResult>
  remove(
    person: Person,
    clientId: string,
  ): Promise<{ ok: true } | Refused<'not_found' | 'not_allowed'>>
  /** For the engine: without membership, cached for seconds and dropped by `client.changed`. */
  lookUp(clientId: string): Promise<OAuthApp | null>
  /** Whether this is a living secret of the app; in constant time a candidate. */
  checkSecret(app: OAuthApp, presented: string): boolean
  /** The app when this account may change it; who may not even know of it gets `not_found`. */
  forChange(
    accountId: string,
    clientId: string,
  ): Promise<{ ok: true; app: OAuthApp } | Refused<'not_found' | 'not_allowed'>>
  /** One more secret that ends by itself and shortens no other; part of the caller's transaction. */
  lendSecret(clientId: string, lifeMs: number): Promise<{ secret: Secret; digest: string }>
  takeBackSecret(clientId: string, digest: string): Promise<void>
  noteUse(app: OAuthApp): Promise<void>
}

const appsMax = 100
const rememberedMs = 30 * second

export function openApps(deps: AppsDeps): Apps {
  const { store, clock, keyring, bus, database } = deps
  const known = remembered({ find: (id) => store.find(id), forMs: rememberedMs, max: 5_000, clock })
  bus.subscribe('client.changed', ({ clientId }) => known.forget(clientId))
  bus.subscribe('events.missed', known.forgetAll)

  const changed = (clientId: string) =>
    database.afterCommit(() => bus.publish({ type: 'client.changed', clientId }))

  const written = (app: OAuthApp, action: string, actor: Person, detail: Record<string, unknown>) =>
    deps.audit.append({
      actor,
      action,
      subject: { kind: 'app', id: app.clientId, name: app.name },
      detail,
    })

  const reach = async (accountId: string, clientId: string) => {
    const app = await store.find(clientId)
    if (!app?.organizationId) return { app: null, mayChange: false }
    const role = await deps.organizations.roleIn(accountId, app.organizationId)
    return role ? { app, mayChange: role !== 'member' } : { app: null, mayChange: false }
  }

  const forChange: Apps['forChange'] = async (accountId, clientId) => {
    const { app, mayChange } = await reach(accountId, clientId)
    if (!app) return { ok: false, reason: 'not_found' }
    return mayChange ? { ok: true, app } : { ok: false, reason: 'not_allowed' }
  }

  /** What has ended is nobody's business; the row goes with the next rotation. */
  const shown = (app: OAuthApp): OAuthApp => ({ ...app, secrets: livingSecrets(app, clock.now()) })

  return {
    forChange,
    async list(accountId) {
      const memberships = await deps.organizations.of(accountId)
      const ids = memberships.map(({ organization }) => organization.id)
      return (await store.listByOrganizations(ids)).map(shown)
    },
    async find(accountId, clientId) {
      const { app } = await reach(accountId, clientId)
      return app && shown(app)
    },

    async create(person, organizationId, settings) {
      const memberships = await deps.organizations.of(person.id)
      const membership =
        organizationId === null
          ? (memberships.find(({ role }) => role !== 'member') ?? memberships[0])
          : memberships.find(({ organization }) => organization.id === organizationId)
      if (!membership) return { ok: false, reason: 'not_found' }
      if (membership.role === 'member') return { ok: false, reason: 'not_allowed' }
      const problems = judgeApp(settings, deps.reaches)
      if (problems.length > 0) return { ok: false, reason: 'invalid_app', problems }
      const existing = await store.listByOrganizations([membership.organization.id])
      if (existing.length >= appsMax) return { ok: false, reason: 'too_many_apps' }
      const minted = hasSecret(settings) ? mintClientSecret(deps) : null
      const app: OAuthApp = {
        ...settings,
        clientId: deps.ids('app'),
        organizationId: membership.organization.id,
        createdBy: person.id,
        secrets: minted ? [minted.stored] : [],
        logoDigest: null,
        createdAt: clock.now(),
        lastUsedAt: null,
        document: null,
      }
      await database.transaction(async () => {
        await store.insert(app)
        await written(app, 'app.created', person, { redirect_uris: app.redirectUris })
      })
      return { ok: true, app, secret: minted?.secret ?? null }
    },

    async update(person, clientId, change, provenAt) {
      const reached = await forChange(person.id, clientId)
      if (!reached.ok) return reached
      const { app } = reached
      const settings = { ...app, ...change }
      const problems = judgeApp(settings, deps.reaches)
      if (problems.length > 0) return { ok: false, reason: 'invalid_app', problems }
      if (letsOthersIn(app, settings) && provenAt + stepUpMs <= clock.now())
        return { ok: false, reason: 'reauth_required' }
      await database.transaction(async () => {
        await store.update(clientId, settings, clock.now())
        changed(clientId)
        await written(settings, 'app.changed', person, { fields: Object.keys(change) })
      })
      return { ok: true, app: shown(settings) }
    },

    async rotateSecret(person, clientId, overlapMs) {
      const reached = await forChange(person.id, clientId)
      if (!reached.ok) return reached
      const { app } = reached
      if (!hasSecret(app)) return { ok: false, reason: 'public_client' }
      const { secret, stored } = mintClientSecret(deps)
      await database.transaction(async () => {
        await store.addSecret(clientId, stored, stored.createdAt + overlapMs)
        changed(clientId)
        await written(app, 'app.secret_rotated', person, { overlap_ms: overlapMs })
      })
      return { ok: true, app: shown((await store.find(clientId)) ?? app), secret }
    },

    async remove(person, clientId) {
      const reached = await forChange(person.id, clientId)
      if (!reached.ok) return reached
      const { app } = reached
      await database.transaction(async () => {
        await deps.revokeGrants(clientId)
        await store.remove(clientId)
        changed(clientId)
        await written(app, 'app.deleted', person, {})
      })
      return { ok: true }
    },

    async lookUp(clientId) {
      const app = await known.get(clientId)
      return app && hasLapsed(app, clock.now()) ? null : app
    },

    checkSecret(app, presented) {
      const candidates = keyring.macCandidates('client-secret', presented)
      // Digests under a key of ours: how long the comparison takes tells nothing about the secret.
      return livingSecrets(app, clock.now()).some((secret) =>
        candidates.some(({ digest }) => digest === secret.digest),
      )
    },

    async lendSecret(clientId, lifeMs) {
      const { secret, stored } = mintClientSecret(deps)
      const lent = { ...stored, expiresAt: stored.createdAt + lifeMs, temporary: true }
      await store.lendSecret(clientId, lent)
      changed(clientId)
      return { secret, digest: stored.digest }
    },

    async takeBackSecret(clientId, digest) {
      await store.removeSecret(clientId, digest)
      changed(clientId)
    },

    async noteUse(app) {
      const now = clock.now()
      if (app.lastUsedAt !== null && now - app.lastUsedAt < minute) return
      await store.touch(app.clientId, now)
      known.update(app.clientId, (kept) => ({ ...kept, lastUsedAt: now }))
    },
  }
}
