import { Agent, request } from 'node:https'
import { join } from 'node:path'
import { keepAliveFetch } from '../../sdk/src/node/index.ts'
import { median } from '../median.ts'
import { certified } from './certified.ts'
import { far, interval, keep, round, versionOf } from './measure.ts'

/**
 * Claim 1. A reused connection saves 2R/(3R+S) of a call's time over TLS 1.3 (R round trip, S server
 * time) against a new connection per call. Node's own fetch reuses them as well; where it shows a
 * connection's price here, its turn came round after more than four seconds (see `idle-gaps.ts`).
 */
const roundTrips = [20, 80, 200]
const serverTimes = [5, 50, 300, 1_000]
const samples = Number(process.env.SAMPLES ?? 6)

certified(import.meta.filename)

/** One call on a new connection. `resume`: with a TLS session of an earlier one. */
const onNew = (agent: Agent) => (url: string) =>
  new Promise<void>((resolve, reject) => {
    request(url, { agent }, (response) => {
      response.resume().on('end', resolve)
    })
      .on('error', reject)
      .end()
  })
const byFetch = (send: typeof fetch) => async (url: string) => void (await (await send(url)).text())

const timed = async (call: () => Promise<void>) => {
  const began = performance.now()
  await call()
  return performance.now() - began
}

const server = await far('far-server.ts', roundTrips.map(String))
const lines = server.origin.split(' ')
const tuned = keepAliveFetch()
const arms = {
  'new connection': onNew(new Agent({ keepAlive: false, maxCachedSessions: 0 })),
  'new, session resumed': onNew(new Agent({ keepAlive: false, maxCachedSessions: 100 })),
  'Node’s fetch': byFetch(fetch),
  keepAliveFetch: byFetch(tuned as typeof fetch),
}
type Arm = keyof typeof arms
const names = Object.keys(arms) as Arm[]

const matrix = []
for (const [i, R] of roundTrips.entries())
  for (const S of serverTimes) {
    const times = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<
      Arm,
      number[]
    >
    // The first round warms up and is dropped; the order turns from round to round.
    for (let n = 0; n <= samples; n++)
      for (const name of n % 2 === 0 ? names : names.toReversed()) {
        const ms = await timed(() => arms[name](`${lines[i]}/?s=${S}`))
        if (n > 0) times[name].push(ms)
      }
    const saving = (fresh: number, reused: number) => (1 - reused / fresh) * 100
    const fresh = times['new connection']
    const pairs = fresh.map((one, n) => saving(one, times.keepAliveFetch[n] ?? Number.NaN))
    const measured = saving(median(fresh), median(times.keepAliveFetch))
    const model = ((2 * R) / (3 * R + S)) * 100
    matrix.push({ R, S, measured, interval: interval(pairs, median), model, times })
    console.log(
      `R ${R} S ${S}: ${names.map((name) => `${name} ${round(median(times[name]), 4)}`).join(', ')} ms; saves ${round(measured)} %, model ${round(model)} %`,
    )
  }
const worst = Math.max(...matrix.map(({ measured, model }) => Math.abs(measured - model)))

await tuned.close()
await server[Symbol.asyncDispose]()
console.log(`largest distance from 2R/(3R+S): ${round(worst, 2)} points`)
keep(
  'keep-alive',
  { undici: versionOf(join(import.meta.dirname, '../../node_modules/undici')) },
  { tls: 'TLS 1.3, P-256, on loopback through a user-space delay relay', worst, matrix },
)
