import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { keepAliveFetch } from '../../sdk/src/node/index.ts'
import { selfSigned } from '../../test/harness/certificate.ts'
import { far, interval, keep, median, pause, round, versionOf } from './measure.ts'

/**
 * Claim 1. A reused connection saves 2R/(3R+S) of a call's time over TLS 1.3 (R round trip, S server
 * time) against a new connection per call; Node's own fetch reuses them as well, but for four seconds
 * of quiet only, unless the server hints otherwise.
 */
const roundTrips = [20, 80, 200]
const serverTimes = [5, 50, 300, 1_000]
const samples = Number(process.env.SAMPLES ?? 8)

if (!process.env.CERT) {
  // The certificate has to be trusted before this process begins.
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-bench-'))
  const [KEY, CERT] = [join(dir, 'key.pem'), join(dir, 'cert.pem')]
  const { key, cert } = selfSigned(['localhost'])
  writeFileSync(KEY, key, { mode: 0o600 })
  writeFileSync(CERT, cert)
  const env = { ...process.env, KEY, CERT, NODE_EXTRA_CA_CERTS: CERT }
  const { status } = spawnSync(process.execPath, [import.meta.filename], { stdio: 'inherit', env })
  rmSync(dir, { recursive: true })
  process.exit(status ?? 1)
}

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

// Calls a while apart, side by side: they do nothing but wait.
const R = 80
const S = 100
const gaps = [1, 6, 20]
const idle = await Promise.all(
  [0, 65].flatMap((hint) =>
    gaps.flatMap((gap) =>
      (['Node’s fetch', 'keepAliveFetch'] as const).map(async (arm) => {
        // A line of its own each, so that connections can be counted.
        await using quiet = await far('far-server.ts', [String(R)], { HINT: String(hint) })
        const send = arm === 'keepAliveFetch' ? keepAliveFetch() : fetch
        const ms: number[] = []
        let connections = 0
        for (let n = 0; n < 5; n++) {
          if (n > 0) await pause(gap * 1_000)
          const began = performance.now()
          const response = await send(`${quiet.origin}/?s=${S}`)
          await response.text()
          ms.push(performance.now() - began)
          connections = Number(response.headers.get('x-connections'))
        }
        if ('close' in send) await (send as typeof tuned).close()
        return { gap_s: gap, hint_s: hint === 0 ? null : hint, arm, connections, ms }
      }),
    ),
  ),
)
for (const { gap_s, hint_s, arm, connections, ms } of idle)
  console.log(
    `gap ${gap_s} s, hint ${hint_s ?? 'none'}: ${arm} ${connections} connections, ${round(median(ms.slice(1)), 4)} ms`,
  )
await tuned.close()
await server[Symbol.asyncDispose]()
console.log(`largest distance from 2R/(3R+S): ${round(worst, 2)} points`)
keep(
  'keep-alive',
  { undici: versionOf(join(import.meta.dirname, '../../node_modules/undici')) },
  { tls: 'TLS 1.3, P-256, on loopback through a user-space delay relay', worst, matrix, idle },
)
