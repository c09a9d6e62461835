import { spawnSync } from 'node:child_process'
import { loadavg } from 'node:os'
import { join } from 'node:path'

/**
 * `npm run bench:client [piece…]`: the five claims about the client, each piece in a process of its own on
 * core 1 with everything it talks to on core 0. Each prints its setting and keeps its raw figures in
 * `bench/client/results`. Under four minutes each, but for the kills: those count, and need no quiet
 * machine, and have both cores.
 */
const claims = [
  'keep-alive',
  'idle-gaps',
  'token-cache',
  'background-refresh',
  'rotation-kills',
  'token',
]
const wanted = process.argv.slice(2)
for (const name of wanted)
  if (!claims.includes(name)) {
    console.error(`${name} is none of ${claims.join(', ')}`)
    process.exit(1)
  }
for (const name of claims) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  console.log(`\n== ${name}`)
  const cores = name === 'rotation-kills' ? '0,1' : '1'
  const program = [process.execPath, join(import.meta.dirname, `${name}.ts`)]
  const { status } = spawnSync('taskset', ['-c', cores, ...program], {
    stdio: 'inherit',
    env: { ...process.env, BENCH_LOAD: String(loadavg()[0]?.toFixed(2)) },
  })
  if (status !== 0) process.exit(status ?? 1)
}
