import { createAuth, discover, endpoints } from '../../sdk/src/index.ts'
import { FakeProvider } from '../../sdk/src/testing/index.ts'
import { median } from '../median.ts'
import { baseline, interval, keep, pause, quantile, round, versionOf } from './measure.ts'

/**
 * Claim 5. What the token manager costs while nothing has to be done: `peek()` and `await token()`
 * beside google-auth-library's `getAccessToken()` in the same process, what `account.fetch` adds to a
 * fetch, what a thousand callers on an expired token cost, and whether anybody waits for a renewal.
 * Beside them the clock alone: `token()` looks at it each time, because a machine may have slept.
 */
const rounds = 9

/**
 * Calls a second of several arms, run in turn so that a busy neighbour slows all of them alike:
 * medians over the rounds, the first of which warms up and is dropped.
 */
async function rates<Name extends string>(
  arms: Record<Name, { times: number; call: () => unknown }>,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(arms) as Name[]
  const measured = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<
    Name,
    number[]
  >
  for (let i = 0; i <= rounds; i++)
    for (const name of i % 2 === 0 ? names : names.toReversed()) {
      const { times, call } = arms[name]
      const began = performance.now()
      await call()
      if (i > 0) measured[name].push(times / ((performance.now() - began) / 1_000))
    }
  return measured
}

const auth = createAuth({
  provider: endpoints({ token: 'https://provider.test/token' }),
  clientId: 'bench',
  fetch: async () =>
    Response.json({
      access_token: 'at',
      refresh_token: 'rt',
      token_type: 'bearer',
      expires_in: 86_400,
    }),
})
const account = await auth.signInByCode('code')

const times = 200_000
let sum = 0
const google = baseline('google-auth-library')
const theirs = await googleClient(google)
const tokenRates = await rates({
  peek: {
    times,
    call: () => {
      for (let i = 0; i < times; i++) sum += account.peek()?.length ?? 0
    },
  },
  token: {
    times,
    call: async () => {
      for (let i = 0; i < times; i++) sum += (await account.token()).length
    },
  },
  google: {
    times,
    call: async () => {
      for (let i = 0; i < times; i++) sum += (await theirs()).length
    },
  },
  clock: {
    times,
    call: () => {
      for (let i = 0; i < times; i++) sum += Date.now() % 2
    },
  },
})
const ratios = (name: 'peek' | 'token') =>
  tokenRates[name].map((rate, i) => rate / (tokenRates.google[i] ?? Number.NaN))
const middle = (values: readonly number[]) => ({
  median: round(median(values)),
  median_95: interval(values, median),
  range: [round(Math.min(...values)), round(Math.max(...values))],
})

async function googleClient(folder: string): Promise<() => Promise<string>> {
  const { OAuth2Client } = await import(`${folder}/build/src/index.js`)
  const client = new OAuth2Client('id', 'secret')
  client.setCredentials({
    access_token: 'at',
    refresh_token: 'rt',
    expiry_date: Date.now() + 86_400_000,
  })
  return async () => (await client.getAccessToken()).token
}

// What our fetch adds to a fetch that answers at once.
const answer = new Response(null, { status: 204 })
const bare = async (_input: string | URL | Request, _init?: RequestInit) => answer
const ours = account.fetch({ origins: ['https://api.test'], fetch: bare })
const init = { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } }
const fetches = 30_000
const fetchRates = await rates({
  bare: {
    times: fetches,
    call: async () => {
      for (let i = 0; i < fetches; i++) await bare('https://api.test/v1/x', init)
    },
  },
  ours: {
    times: fetches,
    call: async () => {
      for (let i = 0; i < fetches; i++) await ours('https://api.test/v1/x', init)
    },
  },
})

// A thousand callers on an expired token, and callers while a renewal of two seconds runs.
const provider = new FakeProvider({ lifetimeSeconds: 0.05, delayMs: 5, replaySeconds: 30 })
const small = createAuth({
  provider: discover(provider.issuer),
  clientId: 'bench',
  fetch: provider.fetch,
  refresh: { background: false },
})
const expired = await small.signInByCode(provider.code())
await pause(60)
provider.requests = 0
provider.options = { ...provider.options, lifetimeSeconds: 16 }
await Promise.all(Array.from({ length: 1_000 }, () => expired.token()))
const requestsFor1000 = provider.requests

await pause(12_100) // into the early window
provider.options = { ...provider.options, delayMs: 2_000 }
const waits: number[] = []
const until = performance.now() + 1_900
await expired.token() // opens the renewal
while (performance.now() < until) {
  const began = performance.now()
  await expired.token()
  waits.push(performance.now() - began)
  if (waits.length % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
}
await small.close()
await auth.close()

const perSecond = (name: keyof typeof tokenRates) => Math.round(median(tokenRates[name]))
const result = {
  checksum: sum > 0,
  per_second: {
    peek: perSecond('peek'),
    token: perSecond('token'),
    google_auth_library: perSecond('google'),
    date_now: perSecond('clock'),
  },
  times_google: { peek: middle(ratios('peek')), token: middle(ratios('token')) },
  fetch_overhead_microseconds: middle(
    fetchRates.ours.map((rate, i) => 1e6 / rate - 1e6 / (fetchRates.bare[i] ?? Number.NaN)),
  ),
  requests_for_1000_callers_on_an_expired_token: requestsFor1000,
  callers_during_a_renewal: {
    count: waits.length,
    p50_ms: round(quantile(waits, 0.5)),
    p99_ms: round(quantile(waits, 0.99)),
  },
}
console.log(JSON.stringify(result, null, 2))
keep(
  'token',
  { 'google-auth-library': versionOf(google) },
  { ...result, rounds: { tokens: tokenRates, fetches: fetchRates } },
)
