import { type Clock, minute, second } from '#platform/clock/clock.ts'
import type { Database } from '#platform/db/database.ts'
import type { EventBus } from '#platform/events/events.ts'
import { networkOf } from '#platform/http/network-of.ts'
import type { RateLimiter, RateRule } from '#platform/limits/token-bucket.ts'
import { errorFields, type Log } from '#platform/log/log.ts'
import type { Outbound, OutboundAnswer } from '#platform/outbound/outbound.ts'
import type { Actor, Audit } from '../../audit/index.ts'
import { hasLapsed, type OAuthApp } from '../apps/app.ts'
import type { Apps } from '../apps/apps.ts'
import type { AppStore } from '../apps/store.ts'
import { documentBytesMax, readDocument } from './document.ts'
import { documentHost, isDocumentUrl } from './document-url.ts'
import { freshForMs } from './freshness.ts'

export type DocumentsDeps = {
  store: AppStore
  apps: Pick<Apps, 'lookUp'>
  outbound: Pick<Outbound, 'get'>
  database: Database
  bus: EventBus
  limiter: RateLimiter
  clock: Clock
  log: Log
  audit: Pick<Audit, 'append'>
  /** Development: documents on this machine, over http too. */
  allowLoopback: boolean
  /** Whether we may connect to a URL. */
  reaches(url: string): boolean
}

/**
 * `detail` is for the app's maker: what is wrong with the document, or how its host answered; never
 * where a name leads, which would map what lies behind us.
 */
export type DocumentRefusal = {
  ok: false
  reason: 'unreadable' | 'invalid' | 'too_many'
  detail: string
}
export type DocumentAnswer = { ok: true; app: OAuthApp } | DocumentRefusal

/**
 * Clients that a document at their client_id describes
 * (draft-ietf-oauth-client-id-metadata-document). They belong to no organization, and people are
 * asked about them every time.
 *
 * A document is read when a person is about to be asked, and again when it is no longer fresh. While
 * its host does not answer, the last good one stands in for seven days: neither new sign-ins nor
 * refreshes fall with the host. Once the host says that there is no such document, or a wrong one, new
 * sign-ins are refused at once; refreshes go on until the seven days are over. Reading is done by
 * one request a node however many wait, is retried no sooner than its failures allow, and is counted
 * by network, host and node for documents not seen before. Other nodes learn by `client.changed`.
 */
export type Documents = {
  /** True for client ids that are read, not registered. */
  concerns(clientId: string): boolean
  /** The client as its document describes it now. `address` is who asks. */
  resolve(clientId: string, address: string): Promise<DocumentAnswer>
  /** Reads again in the background what has been used and is no longer fresh. Outside transactions. */
  renew(app: OAuthApp): void
  /** Waits for what runs in the background. */
  stop(): Promise<void>
}

type Outcome = { ok: true; app: OAuthApp } | (DocumentRefusal & { away: boolean })
type Pause = { until: number; failures: number; outcome: Outcome }

const timeoutMs = 3 * second
/** After a failure: ten seconds, doubled by each further one, at most five minutes. */
const pauseMs = (failures: number) => Math.min(5 * minute, 10 * second * 2 ** (failures - 1))
const pausesMax = 5_000
const unseen: Record<'network' | 'host' | 'all', RateRule> = {
  network: { burst: 20, perMs: 10 * minute },
  host: { burst: 30, perMs: 10 * minute },
  all: { burst: 300, perMs: 10 * minute },
}
const actor: Actor = { kind: 'system', name: 'client document' }

export function openDocuments(deps: DocumentsDeps): Documents {
  const { store, clock, limiter, database, log } = deps
  const running = new Map<string, Promise<Outcome>>()
  const pauses = new Map<string, Pause>()

  const isFresh = ({ document }: OAuthApp): boolean =>
    document !== null && document.freshUntil > clock.now()

  /** Joins a reading under way, keeps a pause, or reads. */
  function read(clientId: string): Promise<Outcome> {
    const under = running.get(clientId)
    if (under) return under
    const pause = pauses.get(clientId)
    if (pause && pause.until > clock.now()) return Promise.resolve(pause.outcome)
    const reading = fetched(clientId)
      .then((outcome) => {
        if (outcome.ok) pauses.delete(clientId)
        else note(clientId, outcome, (pause?.failures ?? 0) + 1)
        return outcome
      })
      .finally(() => running.delete(clientId))
    running.set(clientId, reading)
    return reading
  }

  function note(clientId: string, outcome: Outcome, failures: number) {
    if (pauses.size >= pausesMax)
      for (const [id, { until }] of pauses) if (until <= clock.now()) pauses.delete(id)
    for (const id of pauses.keys()) {
      if (pauses.size < pausesMax) break
      pauses.delete(id)
    }
    pauses.set(clientId, { until: clock.now() + pauseMs(failures), failures, outcome })
  }

  async function fetched(clientId: string): Promise<Outcome> {
    // Another request or node may have been faster while this one looked.
    const known = await store.find(clientId)
    if (known && isFresh(known)) return { ok: true, app: known }
    const answer = await deps.outbound.get(clientId, {
      accept: ['application/json'],
      maxBytes: documentBytesMax,
      timeoutMs,
    })
    const outcome = judge(clientId, answer, deps.reaches)
    if ('away' in outcome) {
      const detail = answer.ok ? `${answer.status}: ${outcome.detail}` : answer.detail
      log.info({ client_id: clientId, reason: outcome.reason, detail }, 'client document refused')
      return outcome
    }
    const now = clock.now()
    const living = known && !hasLapsed({ ...known, document: null }, now) ? known : null
    const app = {
      ...outcome,
      clientId,
      organizationId: null,
      createdBy: null,
      secrets: [],
      logoDigest: null, // `logo_uri` of a document would be somebody else's address
      createdAt: living?.createdAt ?? now,
      lastUsedAt: living?.lastUsedAt ?? null,
      document: { readAt: now, freshUntil: now + freshForMs(answer.ok ? answer.headers : {}) },
    } satisfies OAuthApp
    await database.transaction(async () => {
      await store.putDescribed(app)
      if (!living || trustOf(living) !== trustOf(app))
        await written(app, living ? 'app.changed' : 'app.registered')
      database.afterCommit(() => deps.bus.publish({ type: 'client.changed', clientId }))
    })
    return { ok: true, app }
  }

  const written = (app: OAuthApp, action: string) =>
    deps.audit.append({
      actor,
      action,
      subject: { kind: 'app', id: app.clientId, name: app.name },
      detail: { redirect_uris: app.redirectUris },
    })

  /** Only what nobody has seen yet is counted: a known client costs a request a minute at most. */
  function mayRead(clientId: string, address: string): boolean {
    const taken: [string, RateRule][] = []
    for (const bucket of [
      [`client-document:network:${networkOf(address)}`, unseen.network],
      [`client-document:host:${documentHost(clientId)}`, unseen.host],
      ['client-document:all', unseen.all],
    ] as [string, RateRule][])
      if (limiter.take(...bucket).allowed) taken.push(bucket)
      else {
        for (const one of taken) limiter.giveBack(...one)
        return false
      }
    return true
  }

  return {
    concerns: (clientId) => isDocumentUrl(clientId, deps.allowLoopback),

    async resolve(clientId, address) {
      const known = await deps.apps.lookUp(clientId)
      if (known && isFresh(known)) return { ok: true, app: known }
      const waits = running.has(clientId) || (pauses.get(clientId)?.until ?? 0) > clock.now()
      if (!known && !waits && !mayRead(clientId, address))
        return { ok: false, reason: 'too_many', detail: 'too many documents were read; try later' }
      const outcome = await read(clientId)
      if (outcome.ok) return outcome
      if (outcome.away && known) return { ok: true, app: known }
      const { reason, detail } = outcome
      return { ok: false, reason, detail }
    },

    renew(app) {
      if (app.document === null || isFresh(app)) return
      read(app.clientId).catch((error: unknown) =>
        log.warn({ err: errorFields(error), client_id: app.clientId }, 'client document not kept'),
      )
    },

    async stop() {
      await Promise.allSettled(running.values())
    },
  }
}

/** What the audit log tells changes of: where codes go, and who may redeem them. */
const trustOf = ({ redirectUris, authMethod, jwks, jwksUri }: OAuthApp): string =>
  JSON.stringify([redirectUris, authMethod, jwks, jwksUri])

/** The described client, or why not; `away`: its host may well say better things tomorrow. */
function judge(clientId: string, answer: OutboundAnswer, reaches: DocumentsDeps['reaches']) {
  const refuse = (reason: DocumentRefusal['reason'], detail: string, away = false) =>
    ({ ok: false, reason, detail, away }) as const
  if (!answer.ok)
    switch (answer.reason) {
      case 'redirected':
        return refuse('unreadable', 'its host answers with a redirect, which is not followed')
      case 'too_large':
        return refuse('invalid', `it is larger than ${documentBytesMax} bytes`)
      case 'type_refused':
        return refuse('invalid', 'it is not plain application/json')
      case 'url_refused':
      case 'address_refused':
        return refuse('unreadable', 'it could not be fetched')
      default:
        return refuse('unreadable', 'it could not be fetched', true)
    }
  if (answer.status !== 200) {
    const away = answer.status === 429 || answer.status >= 500
    return refuse('unreadable', `its host answers with status ${answer.status}`, away)
  }
  const settings = readDocument(clientId, answer.body.toString('utf8'), reaches)
  return 'problem' in settings ? refuse('invalid', settings.problem) : settings
}
