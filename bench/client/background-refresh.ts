import { Agent, get } from 'node:http'
import { createAuth, discover } from '../../sdk/src/index.ts'
import { far, interval, keep, pause, quantile, round } from './measure.ts'

/**
 * Claim 3. While a token is renewed nobody waits: the p99 of the calls that are due during a renewal is at
 * most 1.1 times the p99 of calls outside it. Beside it the two usual ways, written as people write them:
 * refresh after a 401, and wait for one shared refresh when the token has expired.
 *
 * Open loop, 200 calls a second whatever the answers do; latency counts from when a call was due. Each call
 * has a twin that is due at the same moment and needs no token. So a renewal is compared twice: with the
 * calls just before and after it, and with the twins in it, which a busy machine slows as much. Renewals
 * are what is resampled for the intervals.
 */
const perSecond = 200
const lifeSeconds = 3
const refreshInSeconds = 1.6 // the provider's hint; the usual ways know none and go by the life
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

type Call = { due: number; ms: number; twinMs: number; failed: boolean }

/** A call by node's own http, which leaves less litter than fetch does and so fewer pauses to measure. */
const agent = new Agent({ keepAlive: true })
const send = (url: string, token?: string) =>
  new Promise<number>((resolve, reject) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
    get(url, { agent, headers }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0))
    }).on('error', reject)
  })

async function drive(origin: string, strategy: Strategy, seconds: number): Promise<Call[]> {
  const calls: Call[] = []
  const one = async (due: number) => {
    const token = await strategy.token()
    let status = await send(`${origin}/api`, token)
    if (status === 401 && strategy.renewed)
      status = await send(`${origin}/api`, await strategy.renewed(token))
    return { ms: performance.now() - due, failed: status !== 200 }
  }
  const twin = async (due: number) => {
    await send(`${origin}/open`)
    return performance.now() - due
  }
  const both = async (due: number, first: boolean) => {
    const [ahead, mine] = first ? [null, one(due)] : [twin(due), one(due)]
    const [twinMs, told] = await Promise.all([ahead ?? twin(due), mine])
    calls.push({ due, twinMs, ...told })
  }
  const began = performance.now()
  const all: Promise<void>[] = []
  for (let n = 0; n < perSecond * seconds; n++) {
    const due = began + (n * 1_000) / perSecond
    const early = due - performance.now()
    if (early > 0) await pause(early)
    all.push(both(due, n % 2 === 0))
  }
  await Promise.all(all)
  return calls
}

/** The calls of one renewal, their twins, and as many calls around it. */
type Renewal = { inside: number[]; twins: number[]; around: number[] }
type Found = { calls: Call[]; renewals: Renewal[]; tokenCalls: number }

const gap = 100 // a refresh after 401 has refused calls before it begins

function renewalsOf(calls: readonly Call[], windows: readonly [number, number][]): Renewal[] {
  const renewals: Renewal[] = []
  const last = calls.at(-1)?.due ?? 0
  for (const [i, [from, to]] of windows.entries()) {
    const half = (to - from) / 2
    const [, previous = 0] = windows[i - 1] ?? []
    const [next = last] = windows[i + 1] ?? []
    if (from - gap - half < previous || to + gap + half > next) continue
    const due = (a: number, b: number) => calls.filter((one) => one.due >= a && one.due < b)
    const around = [...due(from - gap - half, from - gap), ...due(to + gap, to + gap + half)]
    const inside = due(from, to)
    renewals.push({
      inside: inside.map(({ ms }) => ms),
      twins: inside.map(({ twinMs }) => twinMs),
      around: around.map(({ ms }) => ms),
    })
  }
  return renewals
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
    const so = found[name] ?? { calls: [], renewals: [], tokenCalls: 0 }
    found[name] = so
    calls.sort((a, b) => a.due - b.due)
    const warm = (calls[0]?.due ?? 0) + 3_000
    so.calls.push(...calls.filter(({ due }) => due >= warm))
    so.tokenCalls += tokenCalls
    so.renewals.push(
      ...renewalsOf(
        calls,
        strategy.windows.filter(([from]) => from >= warm),
      ),
    )
  }
}

const p99 = (values: readonly number[]) => quantile(values, 0.99)
const pooled = (some: readonly Renewal[], part: keyof Renewal) => some.flatMap((one) => one[part])
const against = (part: keyof Renewal) => (some: readonly Renewal[]) =>
  p99(pooled(some, 'inside')) / p99(pooled(some, part))
const summary = Object.fromEntries(
  Object.entries(found).map(([name, { calls, renewals, tokenCalls }]) => {
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
        renewals: renewals.length,
        calls_in_renewals: pooled(renewals, 'inside').length,
        p99_in_renewals_ms: round(p99(pooled(renewals, 'inside'))),
        p99_of_their_twins_ms: round(p99(pooled(renewals, 'twins'))),
        p99_around_them_ms: round(p99(pooled(renewals, 'around'))),
        ratio_to_twins: round(against('twins')(renewals)),
        ratio_to_twins_95: interval(renewals, against('twins')),
        ratio_to_around: round(against('around')(renewals)),
        ratio_to_around_95: interval(renewals, against('around')),
      },
    ]
  }),
)
console.log(JSON.stringify(summary, null, 2))
const told = (values: readonly number[]) =>
  [values.length, quantile(values, 0.5), p99(values)].map((one) => round(one))
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
    each_renewal: 'inside, twins, around: of each the number of calls, p50, p99 in ms',
    renewals: Object.fromEntries(
      Object.entries(found).map(([name, { renewals }]) => [
        name,
        renewals.map(({ inside, twins, around }) => [inside, twins, around].flatMap(told)),
      ]),
    ),
  },
)
