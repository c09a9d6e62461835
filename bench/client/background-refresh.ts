import { createAuth, discover } from '../../sdk/src/index.ts'
import { far, interval, keep, median, pause, quantile, round } from './measure.ts'

/**
 * Claim 3. While a token is renewed nobody waits: the p99 of calls during a renewal is that of the
 * calls just before it (median over renewals of their ratio). Beside it the two usual ways, written as people write them: refresh after a 401,
 * and wait for one shared refresh when the token has expired.
 *
 * Open loop, 200 calls a second whatever the answers do; latency counts from when a call was due.
 */
const perSecond = 200
const lifeSeconds = 4
const tokenMs = 300
const apiMs = 5
const seconds = Number(process.env.SECONDS ?? 16)
const rounds = Number(process.env.ROUNDS ?? 3)

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

async function drive(origin: string, strategy: Strategy): Promise<Call[]> {
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

/** The calls of one renewal, and as long a stretch just before it: the machine is the same for both. */
type Window = { inside: number[]; before: number[] }
type Found = { calls: Call[]; windows: Window[]; tokenCalls: number }

const found: Record<string, Found> = {}
for (let n = 0; n < rounds; n++) {
  const names = Object.keys(strategies)
  for (const name of n % 2 === 0 ? names : names.toReversed()) {
    await using server = await far(
      'provider-server.ts',
      [JSON.stringify({ lifetimeSeconds: lifeSeconds, delayMs: tokenMs })],
      { API_MS: String(apiMs) },
    )
    const strategy = await strategies[name]?.(server.origin)
    if (!strategy) continue
    await fetch(`${server.origin}/stats`)
    const calls = await drive(server.origin, strategy)
    const { tokenCalls } = (await (await fetch(`${server.origin}/stats`)).json()) as {
      tokenCalls: number
    }
    await strategy.close()
    const so = found[name] ?? { calls: [], windows: [], tokenCalls: 0 }
    found[name] = so
    so.calls.push(...calls)
    so.tokenCalls += tokenCalls
    for (const [from, to] of strategy.windows) {
      const between = (a: number, b: number) =>
        calls.filter(({ due }) => due >= a && due <= b).map(({ ms }) => ms)
      const gap = 500 // a refresh after 401 has refused calls before it begins
      so.windows.push({
        inside: between(from, to),
        before: between(2 * from - to - gap, from - gap),
      })
    }
  }
}

const p99 = (values: readonly number[]) => quantile(values, 0.99)
const all = (windows: Window[], part: keyof Window) => windows.flatMap((one) => one[part])
const summary = Object.fromEntries(
  Object.entries(found).map(([name, { calls, windows, tokenCalls }]) => {
    const times = calls.map(({ ms }) => ms)
    const ratios = windows.map(({ inside, before }) => p99(inside) / p99(before))
    return [
      name,
      {
        calls: calls.length,
        p50_ms: round(quantile(times, 0.5)),
        p99_ms: round(p99(times)),
        over_100_ms: times.filter((ms) => ms > 100).length,
        failed: calls.filter(({ failed }) => failed).length,
        token_calls: tokenCalls,
        windows: windows.length,
        p99_in_windows_ms: round(p99(all(windows, 'inside'))),
        p99_before_them_ms: round(p99(all(windows, 'before'))),
        ratio_median: round(median(ratios)),
        ratio_interval: interval(ratios, median),
      },
    ]
  }),
)
console.log(JSON.stringify(summary, null, 2))
keep(
  'background-refresh',
  {},
  {
    load: { perSecond, seconds, rounds, lifeSeconds, tokenMs, apiMs },
    summary,
    windows: Object.fromEntries(
      Object.entries(found).map(([name, { windows }]) => [
        name,
        windows.map(({ inside, before }) => ({
          inside: inside.map((ms) => round(ms)),
          before: before.map((ms) => round(ms)),
        })),
      ]),
    ),
  },
)
