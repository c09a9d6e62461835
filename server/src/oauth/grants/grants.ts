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
  revokeSession(accountId: string, sessionId: string, reason: RevokeReason): Promise<void>
  /** One entry a grant that stands, with the device it was given on. */
  byDevice(accountId: string): Promise<OAuthGrant[]>
  revokeDevices(
    accountId: string,
    deviceIds: readonly string[],
    reason: RevokeReason,
  ): Promise<void>
  /**
   * Ends what was issued under an older epoch, or everything when the account may not call, a batch at
   * a time: what was being given at the moment of `revokeAccount`.
   */
  revokeStale(accountId: string, now: { epoch: number; allowed: boolean }): Promise<void>
  /** Why a refresh token of this client does not work, where its grant was ended by somebody. */
  whyEnded(clientId: string, refreshToken: string): Promise<RevokeReason | null>
  /** Whether this sign-in of an app was made on this device and is not over. */
  signedInOn(
    deviceId: string,
    signIn: { accountId: string; clientId: string; sessionId: string },
  ): Promise<boolean>
  /**
   * The epoch moves, and with it ends every grant and every sign-in at any app: two statements, however
   * many there are. What hangs on them is refused by the epoch. Part of the caller's transaction.
   */
  revokeAccount(accountId: string, reason: RevokeReason): Promise<void>
  /** At most one write a minute and grant: from where it was used, and how long it can be renewed now. */
  noteUse(id: string, use: { address: string; renewsUntil: number | null }): Promise<void>
  /** Forgets what ended or ran out 30 days ago, and the devices that were nothing but such a grant. */
  sweep(): Promise<void>
}

const namesNone = (which: SignIns): boolean =>
  which !== 'all' &&
  (('devices' in which && which.devices.length === 0) || ('ids' in which && which.ids.length === 0))

/** Grants outlive the longest refresh token: a family is never cut short by its grant. */
export const grantLifeMs = 180 * day + hour

/** How many grants end in one commit. */
const batch = 100
/** An ended grant says for this long how it ended. */
const keptMs = 30 * day
const nextTurn = () => new Promise((resolve) => setImmediate(resolve))

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
  /**
   * Ends grants of one account with all that hangs on them. `told`: an event about the whole account
   * has told the choke points already.
   */
  const endSome = async (
    accountId: string,
    grants: readonly OAuthGrant[],
    reason: RevokeReason,
    { actor = system, told = false }: { actor?: Actor; told?: boolean } = {},
  ) => {
    await database.transaction(async () => {
      await database.lock(`sign-ins:${accountId}`) // two that overlap would wait for each other
      const ids = await store.revoke(
        grants.map(({ id }) => id),
        reason,
        clock.now(),
      )
      const ended = grants.filter(({ id }) => ids.includes(id))
      // What an account's standing ends stays where it is: it is refused by that, and so the app can
      // be told that the account is suspended. The sweeper takes it in time.
      if (reason !== 'account_changed') await vault.retire(ids)
      for (const { deviceId } of ended.filter(byCode))
        await deps.sessions.forgetApp(accountId, deviceId)
      if (!told)
        database.afterCommit(() => {
          for (const { id: grantId, clientId } of ended)
            bus.publish({ type: 'grant.revoked', grantId, accountId, clientId })
        })
      const action = audited[reason]
      for (const grant of action ? ended : []) {
        if (reason === 'refresh_reused') await warn(grant)
        await written(grant, action ?? '', actor)
      }
    })
  }
  /** Somebody may hold a copy: the owner hears of it, once a grant, because only one caller ends it. */
  const warn = async (grant: OAuthGrant) => {
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
  /** A batch at a time, so that neither the database nor this thread is held for long. */
  const endAll = async (grants: readonly OAuthGrant[], reason: RevokeReason, actor?: Actor) => {
    const byAccount = Map.groupBy(grants, ({ accountId }) => accountId)
    for (const [accountId, all] of byAccount)
      for (let at = 0; at < all.length; at += batch) {
        await endSome(accountId, all.slice(at, at + batch), reason, actor ? { actor } : {})
        await nextTurn()
      }
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
      if (grant) await endAll([grant], reason)
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
    async revokeSession(accountId, sessionId, reason) {
      await signOut(accountId, { session: sessionId })
      await endAll(await store.listBySession(sessionId), reason)
    },
    byDevice: (accountId) => store.listByAccount(accountId, clock.now()),
    async revokeDevices(accountId, deviceIds, reason) {
      await signOut(accountId, { devices: deviceIds })
      const all = await store.listByAccount(accountId, clock.now())
      await endAll(
        all.filter(({ deviceId }) => deviceIds.includes(deviceId)),
        reason,
      )
    },
    async revokeStale(accountId, { epoch, allowed }) {
      let page: OAuthGrant[] = []
      do {
        page = await store.page(accountId, page.at(-1)?.id ?? '', batch)
        const stale: OAuthGrant[] = []
        for (const grant of page) {
          const stored = allowed ? await vault.find<StoredGrant>('Grant', grant.id) : null
          if (!stored || stored.payload.epoch < epoch) stale.push(grant)
        }
        await database.transaction(async () => {
          await signOut(accountId, { ids: stale.map(({ id }) => id) })
          await endSome(accountId, stale, 'account_changed', { told: true })
        })
        await nextTurn()
      } while (page.length === batch)
    },
    async whyEnded(clientId, refreshToken) {
      const grantId = await vault.grantOf('RefreshToken', refreshToken)
      const end = grantId === null ? null : await store.endOf(grantId)
      return end?.clientId === clientId ? end.reason : null
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
    async revokeAccount(accountId, reason) {
      await database.transaction(async () => {
        await signOut(accountId, 'all')
        await store.revokeAccount(accountId, reason, clock.now())
      })
    },
    async noteUse(id, { address, renewsUntil }) {
      const now = clock.now()
      if (now - (noted.get(id) ?? 0) < minute) return
      if (noted.size > 10_000) noted.clear()
      noted.set(id, now)
      const grant = await store.touch(id, now, renewsUntil)
      if (grant && byCode(grant)) await deps.sessions.noteApp(grant.deviceId, address)
    },
    async sweep() {
      let gone: OAuthGrant[] = []
      do {
        await database.transaction(async () => {
          gone = await store.sweep(clock.now() - keptMs, batch)
          for (const { accountId, deviceId } of gone.filter(byCode))
            await deps.sessions.forgetApp(accountId, deviceId)
        })
        await nextTurn()
      } while (gone.length === batch)
    },
  }
}
