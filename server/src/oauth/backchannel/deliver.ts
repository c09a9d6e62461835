import type { Clock } from '#platform/clock/clock.ts'
import type { Database } from '#platform/db/database.ts'
import type { Random } from '#platform/ids/ids.ts'
import type { Log } from '#platform/log/log.ts'
import type { Counter } from '#platform/metrics/metrics.ts'
import type { Outbound, OutboundAnswer } from '#platform/outbound/outbound.ts'
import type { Audit } from '../../audit/index.ts'
import type { OAuthApp } from '../apps/app.ts'
import { attemptsMax, type Delivery, type LogoutNotice, retryDelayMs } from './delivery.ts'
import type { DeliveryStore } from './store.ts'

export type DeliverDeps = {
  store: DeliveryStore
  database: Database
  outbound: Pick<Outbound, 'post'>
  audit: Pick<Audit, 'append'>
  clock: Clock
  random: Random
  log: Log
  outcomes: Counter
  lookUp(clientId: string): Promise<OAuthApp | null>
  tokenFor(notice: LogoutNotice, app: OAuthApp): string
}

/**
 * Posts one claimed message and settles it; true when it arrived. At least once by nature: an app may
 * have ended its session and the node die before the row is settled. The address is the one
 * registered now, so that a mistake in it can be mended while we still try; where it is gone, so is
 * the message.
 */
export async function deliver(deps: DeliverDeps, delivery: Delivery): Promise<boolean> {
  const { store, clock, outcomes } = deps
  const app = await deps.lookUp(delivery.clientId)
  if (!app?.backchannelLogoutUri) {
    await store.remove(delivery.id)
    return false
  }
  // OpenID Connect Back-Channel Logout 1.0 section 2.5.
  const answer = await deps.outbound.post(app.backchannelLogoutUri, {
    body: new URLSearchParams({ logout_token: deps.tokenFor(delivery, app) }).toString(),
    contentType: 'application/x-www-form-urlencoded',
    maxBytes: 16_384,
  })
  const error = problemOf(answer)
  if (error === null) {
    await store.sent(delivery, clock.now())
    outcomes.add(['sent'])
    return true
  }
  const final = delivery.attempts >= attemptsMax
  outcomes.add([final ? 'failed' : 'retried'])
  const detail = answer.ok ? undefined : answer.detail
  deps.log.warn(
    { delivery: delivery.id, client_id: app.clientId, problem: error, detail, final },
    'an app was not told of a sign-out',
  )
  if (final) await giveUp(deps, delivery, app, error)
  else
    await store.retry(delivery, clock.now() + retryDelayMs(delivery.attempts, deps.random), error)
  return false
}

/** For whoever reads the audit log: this app may believe that somebody is still signed in. */
async function giveUp(
  { database, store, audit, clock }: DeliverDeps,
  delivery: Delivery,
  app: OAuthApp,
  error: string,
): Promise<void> {
  await database.transaction(async () => {
    if (!(await store.failed(delivery, clock.now(), error))) return
    await audit.append({
      actor: { kind: 'system', name: 'oauth' },
      action: 'app.logout_undelivered',
      subject: { kind: 'app', id: app.clientId, name: app.name },
      detail: {
        account_id: delivery.accountId,
        session_id: delivery.sessionId,
        attempts: delivery.attempts,
        error,
      },
    })
  })
}

/** Null when the app took it. A status or our own reason, never what the other side said. */
function problemOf(answer: OutboundAnswer): string | null {
  if (!answer.ok) return answer.reason
  return answer.status >= 200 && answer.status < 300 ? null : `HTTP ${answer.status}`
}
