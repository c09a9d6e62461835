import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { seededRandom } from '../../sdk/src/testing/index.ts'

const here = import.meta.dirname
export const baselines = join(here, 'baselines')

/** An installed baseline's folder. They are no dependencies of ours, and pinned all the same. */
export function baseline(name: string): string {
  const folder = join(baselines, 'node_modules', name)
  if (!existsSync(folder))
    execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd: baselines,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
  return folder
}

export const versionOf = (folder: string): string =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).version

export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export const round = (value: number, digits = 3): number => Number(value.toPrecision(digits))

/** The middle 95 % of a statistic over 1,000 resamples (bootstrap, seeded). */
export function interval<One>(
  values: readonly One[],
  statistic: (values: readonly One[]) => number,
): [number, number] {
  const random = seededRandom(1)
  const results: number[] = []
  for (let i = 0; i < 1_000; i++)
    results.push(
      statistic(values.map(() => values[Math.floor(random.fraction() * values.length)] as One)),
    )
  return [round(quantile(results, 0.025)), round(quantile(results, 0.975))]
}

/** Today's raw figures of one piece. */
export const resultFile = (name: string): string =>
  join(here, 'results', `${new Date().toISOString().slice(0, 10)}-${name}.json`)

export const commit = (): string =>
  execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()

const knobs = ['REFRESHES', 'SEED', 'LIMIT_MS', 'ONLY', 'SAMPLES', 'SECONDS', 'ROUNDS']

/** Prints what was found and keeps it whole, with its setting, under `results/`. */
export function keep(
  piece: string,
  versions: Record<string, string>,
  result: object,
  name = piece,
): void {
  const told = knobs
    .filter((knob) => process.env[knob])
    .map((knob) => `${knob}=${JSON.stringify(process.env[knob])}`)
  const setting = {
    command: [...told, `npm run bench:client ${piece}`].join(' '),
    at: new Date().toISOString(),
    commit: commit(),
    node: process.version,
    undici: process.versions.undici,
    cpu: cpus()[0]?.model.trim(),
    cores: cpus().length,
    memory_gib: Math.round(totalmem() / 2 ** 30),
    load_before: Number(process.env.BENCH_LOAD ?? loadavg()[0]?.toFixed(2)),
    versions,
  }
  console.log(JSON.stringify(setting, null, 2))
  const file = resultFile(name)
  mkdirSync(join(here, 'results'), { recursive: true })
  writeFileSync(file, `${compact({ setting, ...result })}\n`)
  console.log(`raw: ${file}`)
}

/** JSON with lists of numbers on one line each, so that a result is read and compared by its lines. */
const compact = (value: object): string =>
  JSON.stringify(
    value,
    (_, one) => (typeof one === 'number' && !Number.isInteger(one) ? round(one, 5) : one),
    1,
  ).replace(/\[[\s\d.,eE+-]+\]/g, (list) => list.replace(/\s+/g, ''))

/** A program of `bench/client` on core 0, which says where it listens in its first line. */
export async function far(file: string, args: string[] = [], env: Record<string, string> = {}) {
  const child = spawn('taskset', ['-c', '0', process.execPath, join(here, file), ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  })
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const origin = String((await lines.next()).value)
  return {
    origin,
    pid: child.pid ?? 0,
    async [Symbol.asyncDispose]() {
      const gone = new Promise((resolve) => child.once('exit', resolve))
      child.kill()
      await gone
    },
  }
}

export const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms))
