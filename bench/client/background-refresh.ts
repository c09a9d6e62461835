import { createAuth, discover } from '../../sdk/src/index.ts'
import { far, interval, keep, pause, quantile, round } from './measure.ts'

/**
 * Claim 3. While a token is renewed nobody waits: the p99 of the calls that are due during a renewal is at
 * most 1.1 times the p99 of the calls around it. Beside it the two usual ways, written as people write
 * them: refresh after a 401, and wait for one shared refresh when the token has expired.
 *
 * Open loop, 400 calls a second whatever the answers do; latency counts from when a call was due. Each
 * renewal is a pair: the calls in it, and as many milliseconds before and after it, so that a machine
 * that drifts slows both sides alike. Pairs are what is resampled for the interval.
 */
const perSecond = 400
const lifeSeconds = 3
const refreshInSeconds = 1.2 // the provider's hint; the usual ways know none and go by the life
const tokenMs = 600
const apiMs = 5
const seconds = Number(process.env.SECONDS ?? 60)
const rounds = Number(process.env.ROUNDS ?? 2)
const usualSeconds = seconds / 4

type Strategy = {
  token(): Promise<string>
  /** A token that was refused; answers another one. */
  renewed?(refused: string): Promise<string>
  windows: [number, number][]
  close(): Promise<void>
}

async function signedIn(origin: string) {
  const { code } = (await (await fetch(`${origin}/code`)).json()) as { code: string }
  return code
}

type Reply = { access_token: string; refresh_token: string; expires_in: number }
const ask = async (origin: string, form: Record<string, string>): Promise<Reply> => {
  const response = await fetch(`${origin}/token`, {
    method: 'POST',
    body: new URLSearchParams({ client_id: 'bench', ...form }),
  })
  return (await response.json()) as Reply
}

/** One refresh at a time in the process, which both of the usual ways share. */
async function singleFlight(origin: string) {
  let now = await ask(origin, { grant_type: 'authorization_code', code: await signedIn(origin) })
  let expiresAt = performance.now() + now.expires_in * 1_000
  let flight: Promise<void> | null = null
  const windows: [number, number][] = []
  const refresh = () => {
    flight ??= (async () => {
      const begun = performance.now()
      now = await ask(origin, { grant_type: 'refresh_token', refresh_token: now.refresh_token })
      windows.push([begun, performance.now()])
      expiresAt = begun + now.expires_in * 1_000
      flight = null
    })()
    return flight
  }
  return {
    current: () => now.access_token,
    expired: () => performance.now() >= expiresAt,
    refresh,
    windows,
  }
}

const strategies: Record<string, (origin: string) => Promise<Strategy>> = {
  async 'after 401'(origin) {
    const { current, refresh, windows } = await singleFlight(origin)
    return {
      token: async () => current(),
      async renewed(refused) {
        if (current() === refused) await refresh()
        return current()
      },
      windows,
      close: async () => {},
    }
  },
  async 'wait when expired'(origin) {
    const { current, expired, refresh, windows } = await singleFlight(origin)
    return {
      async token() {
        if (expired()) await refresh()
        return current()
      },
      windows,
      close: async () => {},
    }
  },
  async 'background (this SDK)'(origin) {
    const auth = createAuth({ provider: discover(origin), clientId: 'bench' })
    const windows: [number, number][] = []
    let begun = 0
    auth.on((event) => {
      if (event.type === 'refresh_started') begun = performance.now()
      if (event.type === 'refresh_done') windows.push([begun, performance.now()])
    })
    const account = await auth.signInByCode(await signedIn(origin))
    return { token: () => account.token(), windows, close: () => auth.close() }
  },
}

type Call = { due: number; ms: number; failed: boolean }

async function drive(origin: string, strategy: Strategy, seconds: number): Promise<Call[]> {
  const calls: Call[] = []
  const call = async (due: number) => {
    const send = (token: string) =>
      fetch(`${origin}/api`, { headers: { authorization: `Bearer ${token}` } })
    const token = await strategy.token()
    let response = await send(token)
    await response.text()
    if (response.status === 401 && strategy.renewed) {
      response = await send(await strategy.renewed(token))
      await response.text()
    }
    calls.push({ due, ms: performance.now() - due, failed: !response.ok })
  }
  const began = performance.now()
  const all: Promise<void>[] = []
  for (let n = 0; n < perSecond * seconds; n++) {
    const due = began + (n * 1_000) / perSecond
    const early = due - performance.now()
    if (early > 0) await pause(early)
    all.push(call(due))
  }
  await Promise.all(all)
  return calls
}

/** The calls of one renewal, and those around it. */
type Pair = { inside: number[]; outside: number[] }
type Found = { calls: Call[]; pairs: Pair[]; tokenCalls: number }

function paired(calls: readonly Call[], windows: readonly [number, number][]): Pair[] {
  const pairs: Pair[] = []
  for (const [i, [from, to]] of windows.entries()) {
    const gap = 250 // a refresh after 401 has refused calls before it begins, and answers after it
    const half = (to - from) / 2
    const before = from - gap - half
    const after = to + gap + half
    const [, previous = 0] = windows[i - 1] ?? []
    const [next = Number.POSITIVE_INFINITY] = windows[i + 1] ?? []
    const last = calls.at(-1)?.due ?? 0
    if (before < previous || after > Math.min(next, last)) continue
    const due = (a: number, b: number) => calls.filter((one) => one.due >= a && one.due < b)
    const ms = (some: readonly Call[]) => some.map((one) => one.ms)
    const outside = [...due(before, from - gap), ...due(to + gap, after)]
    pairs.push({ inside: ms(due(from, to)), outside: ms(outside) })
  }
  return pairs
}

const found: Record<string, Found> = {}
for (let n = 0; n < rounds; n++) {
  const names = Object.keys(strategies)
  for (const name of n % 2 === 0 ? names : names.toReversed()) {
    await using server = await far(
      'provider-server.ts',
      [JSON.stringify({ lifetimeSeconds: lifeSeconds, refreshInSeconds, delayMs: tokenMs })],
      { API_MS: String(apiMs) },
    )
    const strategy = await strategies[name]?.(server.origin)
    if (!strategy) continue
    await fetch(`${server.origin}/stats`)
    const ours = name.includes('this SDK')
    const calls = await drive(server.origin, strategy, ours ? seconds : usualSeconds)
    const { tokenCalls } = (await (await fetch(`${server.origin}/stats`)).json()) as {
      tokenCalls: number
    }
    await strategy.close()
    const so = found[name] ?? { calls: [], pairs: [], tokenCalls: 0 }
    found[name] = so
    calls.sort((a, b) => a.due - b.due)
    const warm = (calls[0]?.due ?? 0) + 3_000
    so.calls.push(...calls.filter(({ due }) => due >= warm))
    so.tokenCalls += tokenCalls
    so.pairs.push(
      ...paired(
        calls,
        strategy.windows.filter(([from]) => from >= warm),
      ),
    )
  }
}

const p99 = (values: readonly number[]) => quantile(values, 0.99)
const pooled = (pairs: readonly Pair[], part: keyof Pair) => pairs.flatMap((one) => one[part])
const ratio = (pairs: readonly Pair[]) =>
  p99(pooled(pairs, 'inside')) / p99(pooled(pairs, 'outside'))
const summary = Object.fromEntries(
  Object.entries(found).map(([name, { calls, pairs, tokenCalls }]) => {
    const times = calls.map(({ ms }) => ms)
    return [
      name,
      {
        calls: calls.length,
        p50_ms: round(quantile(times, 0.5)),
        p99_ms: round(p99(times)),
        over_100_ms: times.filter((ms) => ms > 100).length,
        failed: calls.filter(({ failed }) => failed).length,
        token_calls: tokenCalls,
        renewals: pairs.length,
        calls_in_renewals: pooled(pairs, 'inside').length,
        p99_in_renewals_ms: round(p99(pooled(pairs, 'inside'))),
        p99_around_them_ms: round(p99(pooled(pairs, 'outside'))),
        ratio: round(ratio(pairs)),
        ratio_95: interval(pairs, ratio),
      },
    ]
  }),
)
console.log(JSON.stringify(summary, null, 2))
const told = (values: readonly number[]) =>
  [values.length, quantile(values, 0.5), p99(values), Math.max(...values)].map((one) => round(one))
keep(
  'background-refresh',
  {},
  {
    load: {
      perSecond,
      seconds,
      usualSeconds,
      rounds,
      lifeSeconds,
      refreshInSeconds,
      tokenMs,
      apiMs,
    },
    summary,
    each_renewal: 'inside, then around: calls, p50, p99, max in ms',
    renewals: Object.fromEntries(
      Object.entries(found).map(([name, { pairs }]) => [
        name,
        pairs.map(({ inside, outside }) => [...told(inside), ...told(outside)]),
      ]),
    ),
  },
)
