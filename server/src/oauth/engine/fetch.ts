import { type Clock, day, second } from '#platform/clock/clock.ts'
import type { Outbound } from '#platform/outbound/outbound.ts'

type Kept = { body: Buffer | null; at: number; triedAt: number }

/** So often at most an address is asked, whatever comes of it. */
const restMs = 10 * second
/** So long the last good answer stands in while the host does not answer. */
const standsInMs = day
const keptMax = 1_000

/**
 * The engine's only way out, to the `jwks_uri` of an app: through the checked door, no oftener than
 * every ten seconds an address, and with the last good keys while the host is away. Whoever sends
 * wrong assertions under an app's name cannot make us knock at its host at will.
 */
export function engineFetch(outbound: Pick<Outbound, 'get'>, clock: Clock) {
  const kept = new Map<string, Kept>()
  const running = new Map<string, Promise<Kept>>()

  async function ask(url: string, before: Kept | undefined): Promise<Kept> {
    const answer = await outbound.get(url, { timeoutMs: 2_000 })
    const now = clock.now()
    const good = answer.ok && answer.status === 200
    const next: Kept = good
      ? { body: answer.body, at: now, triedAt: now }
      : { body: before?.body ?? null, at: before?.at ?? 0, triedAt: now }
    kept.delete(url)
    if (kept.size >= keptMax) kept.delete(kept.keys().next().value ?? '')
    kept.set(url, next)
    return next
  }

  return async (input: string | URL | Request): Promise<Response> => {
    const url = input instanceof Request ? input.url : String(input)
    const now = clock.now()
    let found = kept.get(url)
    if (!found || found.triedAt + restMs <= now) {
      const asked = running.get(url) ?? ask(url, found).finally(() => running.delete(url))
      running.set(url, asked)
      found = await asked
    }
    if (found.body === null || found.at + standsInMs <= now)
      throw new Error('the keys of the client could not be read')
    return new Response(new Uint8Array(found.body), {
      headers: { 'content-type': 'application/json' },
    })
  }
}
