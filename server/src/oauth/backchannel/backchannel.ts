import { type Clock, day, minute, second } from '#platform/clock/clock.ts'
import type { Database } from '#platform/db/database.ts'
import { Down, type Health } from '#platform/health/health.ts'
import type { Ids, Random } from '#platform/ids/ids.ts'
import { errorFields, type Log } from '#platform/log/log.ts'
import type { Metrics } from '#platform/metrics/metrics.ts'
import type { Outbound } from '#platform/outbound/outbound.ts'
import type { Audit } from '../../audit/index.ts'
import type { OAuthApp } from '../apps/app.ts'
import type { AppStore } from '../apps/store.ts'
import type { OAuthGrant } from '../grants/grant.ts'
import { deliver } from './deliver.ts'
import {
  type Delivery,
  type DueDelivery,
  holdMs,
  keepFailedMs,
  keepSentMs,
  type LogoutNotice,
} from './delivery.ts'
import type { DeliveryStore } from './store.ts'

export type BackchannelDeps = {
  store: DeliveryStore
  appStore: Pick<AppStore, 'findAll'>
  lookUp(clientId: string): Promise<OAuthApp | null>
  tokenFor(notice: LogoutNotice, app: OAuthApp): string
  database: Database
  outbound: Pick<Outbound, 'post'>
  audit: Pick<Audit, 'append'>
  health: Health
  metrics: Metrics
  ids: Ids
  clock: Clock
  random: Random
  log: Log
}

export type Backchannel = {
  /** Writes down whom to tell that these sign-ins are over. Part of the caller's transaction; nothing is sent in it. */
  tell(signIns: readonly OAuthGrant[]): Promise<void>
  /** What became of the last messages to an app, newest first. */
  ofClient(clientId: string, limit: number): Promise<Delivery[]>
  /** How many were given up in the last seven days. */
  countUndelivered(): Promise<number>
  /** Sends what is due now, and waits for it: tests call it instead of waiting. Returns how many arrived. */
  deliver(): Promise<number>
  /** Forgets what was settled long ago. */
  sweep(): Promise<void>
  start(): void
  /** Ends once the messages in hand are settled. */
  stop(): Promise<void>
}

const pollMs = 2 * second
/**
 * Messages under way at once, and to one host: fewer than the door out has places (64, and 8 a host),
 * so that none spends its attempt on waiting there, and documents and keys are fetched meanwhile.
 */
const inHandMax = 48
const perHost = 4
/** Looked at for one claim: the first messages of so many apps, whatever waits behind them. */
const dueMax = 400
/** Between a message that is done and the next claim, so that a long queue is not read for each. */
const pauseMs = 50
const sweepBatch = 500
/** Due and not tried for so long: no node works on the queue. */
const overdueMs = 10 * minute

/**
 * Tells apps that a sign-in is over (OpenID Connect Back-Channel Logout 1.0): an outbox in the
 * database, written with the end itself and worked off by every node. An app that does not answer
 * holds up nobody but the messages to its host.
 */
export function openBackchannel(deps: BackchannelDeps): Backchannel {
  const { store, database, clock, log } = deps
  const outcomes = deps.metrics.counter(
    'latchkey_logout_deliveries_total',
    'Attempts to tell an app that a sign-in is over.',
    ['outcome'],
  )
  deps.health.register({
    name: 'sign-out messages',
    weight: 'degrading',
    async check() {
      const due = await store.oldestDue()
      const late = due === null ? 0 : clock.now() - due
      if (late > overdueMs) throw new Down(`waiting for ${Math.round(late / minute)} minutes`)
    },
  })
  /** The messages under way, and to whom. */
  const inHand = new Map<Promise<boolean>, string>()
  let timer: NodeJS.Timeout | undefined
  let soon: NodeJS.Timeout | undefined
  let claiming: Promise<number> | null = null
  let stopped = false

  /** Where a message would go now. One without an address goes nowhere and holds nobody up. */
  const hostOf = async ({ clientId }: DueDelivery): Promise<string> => {
    const uri = (await deps.lookUp(clientId))?.backchannelLogoutUri
    return uri ? new URL(uri).host : `nowhere ${clientId}`
  }
  /** Takes what is due as far as there is room, here and at each host, and starts on it. */
  const claim = async (): Promise<number> => {
    const room = inHandMax - inHand.size
    if (stopped || room === 0) return 0
    const now = clock.now()
    const due = await store.due(now, perHost, dueMax)
    const underWay = new Map<string, number>()
    for (const host of inHand.values()) underWay.set(host, (underWay.get(host) ?? 0) + 1)
    const chosen = new Map<string, string>()
    for (const one of due) {
      if (chosen.size === room) break
      const host = await hostOf(one)
      const there = underWay.get(host) ?? 0
      if (there === perHost) continue
      underWay.set(host, there + 1)
      chosen.set(one.id, host)
    }
    const claimed = await store.claim([...chosen.keys()], now, holdMs)
    for (const delivery of claimed) {
      const work = deliver({ ...deps, outcomes }, delivery)
        .catch((error) => {
          // It is claimed again when its hold has run out.
          log.error({ err: errorFields(error) }, 'a sign-out message could not be settled')
          return false
        })
        .finally(() => {
          inHand.delete(work)
          if (timer) soon ??= setTimeout(wake, pauseMs).unref()
        })
      inHand.set(work, chosen.get(delivery.id) ?? '')
    }
    return claimed.length
  }
  /** One claim at a time; whoever asks meanwhile waits for the one that runs. */
  const claimOnce = () => {
    claiming ??= claim().finally(() => {
      claiming = null
    })
    return claiming
  }
  const wake = () => {
    clearTimeout(soon)
    soon = undefined
    claimOnce().catch((error) =>
      log.error({ err: errorFields(error) }, 'sign-out messages cannot be read'),
    )
  }

  return {
    async tell(signIns) {
      // Only who had an ID token knows the person and the session that a logout token names.
      const known = signIns.filter(({ scopes }) => scopes.includes('openid'))
      if (known.length === 0) return
      const apps = await deps.appStore.findAll([...new Set(known.map(({ clientId }) => clientId))])
      const told = new Set(apps.flatMap((app) => (app.backchannelLogoutUri ? [app.clientId] : [])))
      const notices = new Map<string, LogoutNotice>()
      for (const { clientId, accountId, sessionId } of known)
        if (told.has(clientId))
          notices.set(`${clientId} ${sessionId}`, { clientId, accountId, sessionId })
      if (notices.size === 0) return
      const now = clock.now()
      await store.insert(
        [...notices.values()].map((notice) => ({
          ...notice,
          id: deps.ids('logout'),
          state: 'waiting',
          attempts: 0,
          nextAttemptAt: now,
          claimedUntil: null,
          lastError: null,
          createdAt: now,
          settledAt: null,
        })),
      )
      if (timer) database.afterCommit(wake)
    },
    ofClient: (clientId, limit) => store.ofClient(clientId, limit),
    countUndelivered: () => store.countFailed(clock.now() - 7 * day),
    async deliver() {
      const done = new Map<Promise<boolean>, boolean>()
      let started: number
      do {
        started = await claimOnce()
        for (const work of inHand.keys()) done.set(work, false)
        for (const work of done.keys()) done.set(work, await work)
      } while (started > 0)
      return [...done.values()].filter(Boolean).length
    },
    async sweep() {
      const now = clock.now()
      const some = () => store.sweep(now - keepSentMs, now - keepFailedMs, sweepBatch)
      while ((await some()) === sweepBatch);
    },
    start() {
      timer ??= setInterval(wake, pollMs).unref()
    },
    async stop() {
      stopped = true
      clearInterval(timer)
      clearTimeout(soon)
      timer = undefined
      await claiming?.catch(() => {}) // reported where it ran
      await Promise.all(inHand.keys())
    },
  }
}
