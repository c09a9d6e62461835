import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { endAll, quiet } from '../gateway/processes.ts'
import { median } from '../median.ts'
import { bareProvider, type Contestant, codeForm, cpuOf, latchkey } from './contestants.ts'
import { type Load, load } from './load.ts'

/**
 * `npm run bench:oauth`: the token endpoint of Latchkey, durable on SQLite, beside node-oidc-provider
 * alone with its state in memory. Both issue ES256 JWT access tokens to a confidential client.
 *
 * Servers have core 0 in turn, the load core 1. What is compared is work per CPU-second of the
 * server, round by round, because shared machines drift. ROUNDS (3) and SECONDS (3) may be set.
 */
const rounds = Number(process.env.ROUNDS ?? 3)
const seconds = Number(process.env.SECONDS ?? 3)
const only = process.env.ONLY
const connections = 32
const codesARound = 200
const trips = 100

execFileSync('taskset', ['-pc', '1', String(process.pid)], { stdio: 'ignore' })

type Exchange = 'client_credentials' | 'code exchange' | 'refresh' | 'introspection'
const exchanges: readonly Exchange[] = [
  'client_credentials',
  'code exchange',
  'refresh',
  'introspection',
]

async function exchange(what: Exchange, on: Contestant, ms: number): Promise<Load> {
  const fields = on.client
  switch (what) {
    case 'client_credentials': {
      const body = `${fields}&grant_type=client_credentials&scope=models%3Aread`
      return load(on.token, connections, ms, () => body)
    }
    case 'code exchange': {
      const codes = prepared.splice(0)
      return load(on.token, connections, 60_000, () => {
        const code = codes.pop()
        return code === undefined ? null : `${fields}&${codeForm(code)}`
      })
    }
    case 'refresh':
      return load(
        on.token,
        connections,
        ms,
        (chain) => `${fields}&grant_type=refresh_token&refresh_token=${on.chains[chain]}`,
        (chain, answer) => {
          on.chains[chain] = /"refresh_token":"([^"]+)"/.exec(answer)?.[1] ?? ''
        },
      )
    case 'introspection': {
      const body = `${fields}&token=${on.chains[0]}`
      return load(on.introspect, connections, ms, () => body)
    }
  }
}
const prepared: string[] = []

type Sample = { perCpuSecond: number; p99Ms: number; failed: number }
const contestants = [await latchkey(connections), await bareProvider(connections)] as const
const samples = new Map<string, Sample[]>()
for (let round = 0; round <= rounds; round++)
  for (const what of exchanges)
    for (const on of contestants) {
      if (only && !what.includes(only)) continue
      if (what === 'code exchange') prepared.push(...(await on.codes(codesARound)))
      await quiet(2_000)
      const before = cpuOf(on)
      const one = await exchange(what, on, seconds * 1_000)
      const sample = {
        perCpuSecond: one.done / (cpuOf(on) - before),
        p99Ms: one.p99Ms,
        failed: one.failed,
      }
      console.error(
        `${round}/${rounds} ${what.padEnd(18)} ${on.name.slice(0, 18)} ${Math.round(sample.perCpuSecond)}/cpu-s p99 ${one.p99Ms.toFixed(1)} ms ${one.firstFailure ?? ''}`,
      )
      if (round === 0) continue // young processes measure their compiler
      const name = `${what} | ${on.name}`
      samples.set(name, [...(samples.get(name) ?? []), sample])
    }

const [ours, bare] = contestants
await quiet(2_000)
const cpu = cpuOf(ours)
const walls: number[] = []
for (let i = 0; i < trips; i++) {
  const began = performance.now()
  await ours.roundTrip()
  walls.push(performance.now() - began)
}
const tripCpuMs = ((cpuOf(ours) - cpu) / trips) * 1_000
await endAll()

const sorted = (values: number[]) => values.sort((a, b) => a - b)
const say = (line = '') => process.stdout.write(`${line}\n`)
const version = (name: string) =>
  (
    JSON.parse(
      readFileSync(join(import.meta.dirname, `../../node_modules/${name}/package.json`), 'utf8'),
    ) as { version: string }
  ).version
say(`Machine: ${cpus().length} × ${cpus()[0]?.model}, ${Math.round(totalmem() / 2 ** 30)} GiB`)
say(`Versions: Node ${process.version}, oidc-provider ${version('oidc-provider')}`)
say(`Command: ROUNDS=${rounds} SECONDS=${seconds} npm run bench:oauth; ${connections} connections`)
say()
say(
  '| exchange | Latchkey per CPU-second | bare per CPU-second | ratio (paired) | Latchkey p99 ms | bare p99 ms | failed |',
)
say('| --- | --- | --- | --- | --- | --- | --- |')
for (const what of exchanges) {
  const [a, b] = [ours, bare].map(({ name }) => samples.get(`${what} | ${name}`) ?? []) as [
    Sample[],
    Sample[],
  ]
  if (a.length === 0) continue
  const ratios = sorted(a.map((one, i) => one.perCpuSecond / (b[i]?.perCpuSecond ?? Number.NaN)))
  const ratio = `${median(ratios).toFixed(2)} (${ratios[0]?.toFixed(2)}–${ratios.at(-1)?.toFixed(2)})`
  const failed = [...a, ...b].reduce((sum, one) => sum + one.failed, 0)
  say(
    `| ${what} | ${Math.round(median(a.map((one) => one.perCpuSecond)))} | ${Math.round(median(b.map((one) => one.perCpuSecond)))} | ${ratio} | ${median(a.map((one) => one.p99Ms)).toFixed(1)} | ${median(b.map((one) => one.p99Ms)).toFixed(1)} | ${failed} |`,
  )
}
say()
say(
  `Authorization with a session, bounce included: ${tripCpuMs.toFixed(1)} ms of server time, ${median(walls).toFixed(1)} ms waited (median of ${trips}), p99 ${sorted(walls)[Math.floor(trips * 0.99)]?.toFixed(1)} ms.`,
)
