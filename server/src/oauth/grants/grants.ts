import { type Clock, day, hour, minute } from '#platform/clock/clock.ts'
import type { Database } from '#platform/db/database.ts'
import type { EventBus } from '#platform/events/events.ts'
import type { Account } from '../../accounts/index.ts'
import type { Actor, Audit } from '../../audit/index.ts'
import type { Mail } from '../../mail/index.ts'
import type { Sessions } from '../../sessions/index.ts'
import type { ArtifactVault } from '../artifacts/vault.ts'
import { covers } from '../scopes.ts'
import {
  byCode,
  type GrantStore,
  type OAuthGrant,
  type RevokeReason,
  type SignIns,
} from './grant.ts'

export type GrantsDeps = {
  store: GrantStore
  vault: ArtifactVault
  database: Database
  bus: EventBus
  clock: Clock
  audit: Pick<Audit, 'append'>
  mail: Pick<Mail, 'send'>
  /** Writes down that these apps are to be told. Joins the transaction. */
  tell(signIns: readonly OAuthGrant[]): Promise<void>
  findAccount(id: string): Promise<Account | null>
  /** What is told of devices that are apps. */
  sessions: Pick<Sessions, 'noteApp' | 'forgetApp'>
  /** The client's name, copied into audit lines and mails. */
  nameOf(clientId: string): Promise<string>
}

export type Grants = {
  find(id: string): Promise<OAuthGrant | null>
  /** Part of the caller's transaction. With `allowedBy` a person has just said yes, and it is written down. */
  record(grant: OAuthGrant, allowedBy: Actor | null): Promise<void>
  /** Whether this account already allowed this client these scopes, there, at this redirect host. */
  consented(
    accountId: string,
    asked: Pick<OAuthGrant, 'clientId' | 'redirectHost' | 'resource' | 'scopes'>,
  ): Promise<boolean>
  /** One entry an app, redirect host and resource: the newest grant, with the scopes of all. */
  listOf(accountId: string): Promise<OAuthGrant[]>
  /** Ends a grant and all that hangs on it: code, refresh family, and the consent. Idempotent. */
  revoke(id: string, reason: RevokeReason): Promise<void>
  /** Ends every grant this account gave to the client of grant `id`; false when it is not theirs. */
  revokeApp(person: Extract<Actor, { id: string }>, id: string): Promise<boolean>
  revokeClient(clientId: string, reason: RevokeReason): Promise<void>
  /** What was allowed in one session; what else hangs on its device ends by `revokeDevices`. */
  revokeSession(accountId: string, sessionId: string): Promise<void>
  /** One entry a grant that stands, with the device it was given on. */
  byDevice(accountId: string): Promise<OAuthGrant[]>
  revokeDevices(accountId: string, deviceIds: readonly string[]): Promise<void>
  /** Ends what was issued under an older epoch, or everything when the account may not call. */
  revokeStale(accountId: string, epoch: number, allowed: boolean): Promise<void>
  /** Whether this sign-in of an app was made on this device and is not over. */
  signedInOn(
    deviceId: string,
    signIn: { accountId: string; clientId: string; sessionId: string },
  ): Promise<boolean>
  /** Every sign-in of the account at any app is over. Part of the caller's transaction. */
  signOutAccount(accountId: string): Promise<void>
  /** At most one write a minute and grant: from where it was used, and how long it can be renewed now. */
  noteUse(id: string, use: { address: string; renewsUntil: number | null }): Promise<void>
}

const namesNone = (which: SignIns): boolean =>
  which !== 'all' &&
  (('devices' in which && which.devices.length === 0) || ('ids' in which && which.ids.length === 0))

/** Grants outlive the longest refresh token: a family is never cut short by its grant. */
export const grantLifeMs = 180 * day + hour

/** Ends that the audit log tells of. */
const audited: Partial<Record<RevokeReason, string>> = {
  owner: 'grant.revoked',
  reused: 'grant.reuse_detected',
  refresh_reused: 'grant.reuse_detected',
}

const system: Actor = { kind: 'system', name: 'oauth' }

/** The engine's own record of a grant; `epoch` is ours. */
export type StoredGrant = { epoch: number }

export function openGrants(deps: GrantsDeps): Grants {
  const { store, vault, database, bus, clock } = deps
  const noted = new Map<string, number>()
  const end = async (grant: OAuthGrant, reason: RevokeReason, actor = system) => {
    await database.transaction(async () => {
      if (!(await store.revoke(grant.id, reason, clock.now()))) return
      // What an account's change ends stays where it is: it is refused by standing and epoch, and
      // so the app can be told that the account is suspended. The sweeper takes it in time.
      if (reason !== 'account_changed') await vault.removeByGrant(grant.id)
      if (byCode(grant)) await deps.sessions.forgetApp(grant.accountId, grant.deviceId)
      database.afterCommit(() =>
        bus.publish({
          type: 'grant.revoked',
          grantId: grant.id,
          accountId: grant.accountId,
          clientId: grant.clientId,
        }),
      )
      if (reason === 'refresh_reused') await told(grant)
      const action = audited[reason]
      if (action) await written(grant, action, actor)
    })
  }
  /** Somebody may hold a copy: the owner hears of it, once a grant, because only one caller ends it. */
  const told = async (grant: OAuthGrant) => {
    const account = await deps.findAccount(grant.accountId)
    if (!account) return
    await deps.mail.send({
      kind: 'refresh_token_reused',
      to: account.email,
      locale: account.locale,
      values: { client: await deps.nameOf(grant.clientId), at: clock.now() },
    })
  }
  const written = async (grant: OAuthGrant, action: string, actor: Actor) =>
    deps.audit.append({
      actor,
      action,
      subject: { kind: 'grant', id: grant.id, name: await deps.nameOf(grant.clientId) },
      detail: { account_id: grant.accountId, client_id: grant.clientId, scopes: grant.scopes },
    })
  /** Sign-ins are over; whoever marks one is the one that acts on it. */
  const signOut = async (accountId: string, which: SignIns) => {
    if (namesNone(which)) return
    await database.transaction(async () => {
      await database.lock(`sign-ins:${accountId}`) // two that overlap would wait for each other
      await deps.tell(await store.takeSignIns(accountId, which, clock.now()))
    })
  }
  const endAll = async (grants: readonly OAuthGrant[], reason: RevokeReason, actor?: Actor) => {
    for (const grant of grants) await end(grant, reason, actor)
  }

  return {
    find: (id) => store.find(id),
    async record(grant, allowedBy) {
      await store.insert(grant)
      if (allowedBy) await written(grant, 'grant.allowed', allowedBy)
    },
    async consented(accountId, asked) {
      const grants = await store.listByAccount(accountId, clock.now())
      return grants.some(
        (grant) =>
          grant.clientId === asked.clientId &&
          grant.redirectHost === asked.redirectHost &&
          grant.resource === asked.resource &&
          covers(grant.scopes, asked.scopes),
      )
    },
    async listOf(accountId) {
      const byApp = new Map<string, OAuthGrant>()
      for (const grant of await store.listByAccount(accountId, clock.now())) {
        const app = `${grant.clientId} ${grant.redirectHost} ${grant.resource}`
        const newest = byApp.get(app)
        byApp.set(
          app,
          newest
            ? {
                ...newest,
                scopes: [...new Set([...newest.scopes, ...grant.scopes])],
                createdAt: Math.min(newest.createdAt, grant.createdAt),
                lastUsedAt: Math.max(newest.lastUsedAt ?? 0, grant.lastUsedAt ?? 0) || null,
              }
            : grant,
        )
      }
      return [...byApp.values()]
    },
    async revoke(id, reason) {
      const grant = await store.find(id)
      if (grant) await end(grant, reason)
    },
    async revokeApp(person, id) {
      const grant = await store.find(id)
      if (grant?.accountId !== person.id || grant.revokedAt !== null) return false
      const all = await store.listByAccount(person.id, clock.now())
      const ofApp = all.filter(({ clientId }) => clientId === grant.clientId)
      await signOut(person.id, { ids: ofApp.map((one) => one.id) })
      await endAll(ofApp, 'owner', person)
      return true
    },
    revokeClient: async (clientId, reason) => endAll(await store.listByClient(clientId), reason),
    async revokeSession(accountId, sessionId) {
      await signOut(accountId, { session: sessionId })
      await endAll(await store.listBySession(sessionId), 'session_ended')
    },
    byDevice: (accountId) => store.listByAccount(accountId, clock.now()),
    async revokeDevices(accountId, deviceIds) {
      await signOut(accountId, { devices: deviceIds })
      const all = await store.listByAccount(accountId, clock.now())
      await endAll(
        all.filter(({ deviceId }) => deviceIds.includes(deviceId)),
        'session_ended',
      )
    },
    async revokeStale(accountId, epoch, allowed) {
      for (const grant of await store.listByAccount(accountId, clock.now())) {
        const stored = allowed ? await vault.find<StoredGrant>('Grant', grant.id) : null
        if (stored && stored.payload.epoch >= epoch) continue
        await signOut(accountId, { ids: [grant.id] })
        await end(grant, 'account_changed')
      }
    },
    async signedInOn(deviceId, { accountId, clientId, sessionId }) {
      const open = await store.openSignIns(sessionId)
      return open.some(
        (grant) =>
          grant.deviceId === deviceId &&
          grant.accountId === accountId &&
          grant.clientId === clientId,
      )
    },
    signOutAccount: (accountId) => signOut(accountId, 'all'),
    async noteUse(id, { address, renewsUntil }) {
      const now = clock.now()
      if (now - (noted.get(id) ?? 0) < minute) return
      if (noted.size > 10_000) noted.clear()
      noted.set(id, now)
      const grant = await store.touch(id, now, renewsUntil)
      if (grant && byCode(grant)) await deps.sessions.noteApp(grant.deviceId, address)
    },
  }
}
