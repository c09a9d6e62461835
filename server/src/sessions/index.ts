/**
 * Sessions: which browser acts for whom. A device is a browser that was here before; a session is
 * one sign-in on it, and the grants of apps hang on it, too. Session and device are opaque random
 * cookies of which only a MAC is stored. What signed in by device code is a device as well: it has
 * one grant and no cookie, and ends with that grant.
 *
 * Lifetimes: 14 days without use, 90 days in all, judged on the server at every request. Every
 * sign-in makes a new id. Each end has a reason, is told as `session.ended`, and is told to the
 * browser at its next visit. Ending a device ends its sessions, grants and tokens in one commit and
 * nothing of another device; its cookie is worth nothing from then on.
 *
 * At most `LATCHKEY_DEVICE_LIMIT` devices of an account hold something; a sign-in beyond it asks which
 * to end, ends the one least recently seen, or is refused, as the installation is set.
 *
 * Invariants: nothing about standing is kept here, so a closed account has no session at its next
 * request; somebody else's session looks like one that does not exist.
 *
 * Neighbours: accounts, audit, mail; the room of apps is handed in as `SessionNeighbours`. What it
 * does not do: tokens and grants of apps.
 */
import { type Clock, day, hour } from '#platform/clock/clock.ts'
import type { Keyring } from '#platform/crypto/keyring.ts'
import type { Database } from '#platform/db/database.ts'
import type { EventBus } from '#platform/events/events.ts'
import type { Ids, Random } from '#platform/ids/ids.ts'
import { every, type Job, type Sweeper } from '#platform/jobs/every.ts'
import type { Log } from '#platform/log/log.ts'
import type { Places } from '#platform/places/places.ts'
import type { Accounts } from '../accounts/index.ts'
import type { Audit } from '../audit/index.ts'
import type { Mail } from '../mail/index.ts'
import { admitApp } from './app-device.ts'
import { authenticate } from './authenticate.ts'
import type { SessionsContext } from './context.ts'
import { deviceLifeMs, makeCookies } from './cookies.ts'
import { endDevices, listDevices } from './devices.ts'
import { endSessions } from './end.ts'
import type { SessionNeighbours, Sessions } from './session.ts'
import { signedOutReason } from './signed-out.ts'
import { startSession } from './start.ts'
import { sqlSessionStore } from './store.sql.ts'
import { takeTicket } from './ticket.ts'

export { deviceRoutes, refuseDevice } from './devices.routes.ts'
export { sessionExporter } from './export.ts'
export { sessionRoutes } from './routes.ts'
export type {
  AppAdmission,
  Device,
  HeldDevice,
  HeldGrant,
  Session,
  SessionEndReason,
  SessionNeighbours,
  Sessions,
} from './session.ts'

/** An ended session can tell its browser the reason for this long. */
const keptMs = 30 * day
const sweepBatch = 500

export function createSessions(deps: {
  database: Database
  clock: Clock
  ids: Ids
  random: Random
  keyring: Keyring
  bus: EventBus
  config: { origin: string; deviceLimit: number; devicePolicy: 'ask' | 'end-oldest' | 'refuse' }
  log: Log
  places: Places
  accounts: Accounts
  audit: Audit
  mail: Mail
  forcePasswordReset(accountId: string): Promise<void>
  neighbours: SessionNeighbours
}): {
  sessions: Sessions
  context: SessionsContext
  /** Forgets what ended long ago, once an hour, a batch at a time. */
  sweeper: Sweeper
} {
  const store = sqlSessionStore(deps.database)
  const context: SessionsContext = {
    ...deps,
    origin: deps.config.origin,
    deviceLimit: deps.config.deviceLimit,
    devicePolicy: deps.config.devicePolicy,
    store,
    cookies: makeCookies({ ...deps, origin: deps.config.origin }),
  }
  const sessions: Sessions = {
    authenticate: (request) => authenticate(context, request),
    async start(account, amr, request, reply) {
      const policy = { policy: 'end-oldest' } as const
      const started = await startSession(context, account, amr, policy, request, reply)
      if (!started.ok) throw new Error('ending the oldest device always makes room')
      return started.session
    },
    signIn: (account, amr, request, reply) =>
      startSession(context, account, amr, { policy: context.devicePolicy }, request, reply),
    async continueSignIn({ ticket, endDeviceId }, request, reply) {
      const proof = await takeTicket(context, ticket, request)
      if (!proof) return null
      const atLimit = { policy: context.devicePolicy, endDeviceId }
      const { account, amr } = proof
      return {
        account,
        signIn: await startSession(context, account, amr, atLimit, request, reply),
      }
    },
    list: (accountId) => store.living(accountId, deps.clock.now()),
    end: async (accountId, sessionId, reason) =>
      (await endSessions(context, accountId, { only: sessionId }, reason)) > 0,
    devices: (accountId) => listDevices(context, accountId),
    admitApp: (...args) => admitApp(context, ...args),
    noteApp: (id, address) => store.touchDevice(id, { address, at: deps.clock.now() }),
    async forgetApp(accountId, id) {
      await store.endDevices(accountId, [id], deps.clock.now())
    },
    endDevices: (person, which, reason) => endDevices(context, person, which, reason),
    signedOutReason: (request) => signedOutReason(context, request),
    endOthers: (accountId, except, reason, apps) =>
      endSessions(context, accountId, { except }, reason, apps),
  }
  const sweep = async () => {
    const now = deps.clock.now()
    // Nothing that a device holds lives for as long without a sign of it: grants live half a year.
    const than = { endedBefore: now - keptMs, unseenBefore: now - deviceLifeMs, now }
    while ((await store.sweep(than, sweepBatch)) === sweepBatch);
  }
  let job: Job | undefined
  const sweeper = {
    start() {
      job = every(hour, 'old sessions', deps.log, sweep)
    },
    stop: async () => job?.stop(),
    sweep,
  }
  return { sessions, context, sweeper }
}
