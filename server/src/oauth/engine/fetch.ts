import { type Clock, day, second } from '#platform/clock/clock.ts'
import type { Outbound, OutboundAnswer } from '#platform/outbound/outbound.ts'
import type { ClientKey } from '../apps/client-key.ts'

type Kept = {
  /** The last good answer; null: there has been none since the start. */
  keys: readonly unknown[] | null
  at: number
  triedAt: number
  /** The last attempt failed in a way that passes by itself. */
  away: boolean
}

/** So often at most an address is asked, whatever comes of it. */
const restMs = 10 * second
/** So long the last good answer stands in while the host does not give another. */
const standsInMs = day
const keptMax = 1_000

/** An app publishes keys where we cannot read them, so nobody can say whether an assertion is right. */
export class KeysUnreadable extends Error {
  /** Trying again helps; otherwise the address answers, and not with keys. */
  readonly away: boolean
  readonly retryAfterSeconds = restMs / second

  constructor(away: boolean) {
    super('the keys of the client could not be read')
    this.away = away
  }
}

/** The one in the chain of causes, where that is why the engine refused. */
export function keysUnreadable(error: unknown): KeysUnreadable | null {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if (cause instanceof KeysUnreadable) return cause
  return null
}

/**
 * Keys that count beside those at an address, put where they travel with it and never go over the
 * wire: the engine takes a client's keys from one place.
 */
export const withMoreKeys = (url: string, keys: readonly ClientKey[]): string =>
  keys.length === 0 ? url : `${url}#${encodeURIComponent(JSON.stringify(keys))}`

const moreKeys = (fragment: string): ClientKey[] =>
  fragment === '' ? [] : (JSON.parse(decodeURIComponent(fragment.slice(1))) as ClientKey[]) // we wrote it

/**
 * The engine's only way out, to the `jwks_uri` of an app: through the checked door, no oftener than
 * every ten seconds an address, and with the last good keys while the host gives no others. Whoever
 * sends wrong assertions under an app's name cannot make us knock at its host at will.
 *
 * Kept in memory alone: after a start while a host is away its apps are told to come back, not that
 * they are wrong.
 */
export function engineFetch(outbound: Pick<Outbound, 'get'>, clock: Clock) {
  const kept = new Map<string, Kept>()
  const running = new Map<string, Promise<Kept>>()

  async function ask(url: string, before: Kept | undefined): Promise<Kept> {
    const answer = await outbound.get(url, { timeoutMs: 2_000 })
    const now = clock.now()
    const keys = keysOf(answer)
    const next: Kept = keys
      ? { keys, at: now, triedAt: now, away: false }
      : { keys: null, at: 0, ...before, triedAt: now, away: isAway(answer) }
    kept.delete(url)
    if (kept.size >= keptMax) kept.delete(kept.keys().next().value ?? '')
    kept.set(url, next)
    return next
  }

  return async (input: string | URL | Request): Promise<Response> => {
    const address = new URL(input instanceof Request ? input.url : input)
    const more = moreKeys(address.hash)
    address.hash = ''
    const url = address.href
    const now = clock.now()
    let found = kept.get(url)
    if (!found || found.triedAt + restMs <= now) {
      const asked = running.get(url) ?? ask(url, found).finally(() => running.delete(url))
      running.set(url, asked)
      found = await asked
    }
    if (found.keys === null || found.at + standsInMs <= now) throw new KeysUnreadable(found.away)
    return Response.json({ keys: [...found.keys, ...more] })
  }
}

/** Null for anything but a set of keys: a page that says sorry with status 200 replaces none. */
function keysOf(answer: OutboundAnswer): unknown[] | null {
  if (!answer.ok || answer.status !== 200) return null
  try {
    const { keys } = JSON.parse(answer.body.toString('utf8')) as { keys?: unknown }
    return Array.isArray(keys) ? keys : null
  } catch {
    return null
  }
}

const passing: readonly string[] = ['timeout', 'connect_failed', 'cut', 'busy', 'name_unresolved']

const isAway = (answer: OutboundAnswer): boolean =>
  answer.ok ? answer.status >= 500 || answer.status === 429 : passing.includes(answer.reason)
