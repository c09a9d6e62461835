import { availableParallelism } from 'node:os'
import { systemClock } from '#platform/clock/clock.ts'
import { systemRandom } from '#platform/ids/ids.ts'
import { createLog } from '#platform/log/log.ts'
import { compose } from './compose.ts'
import { readConfig } from './config.ts'

/** Reads the configuration, builds, listens, drains. One clear line and exit 1 when it cannot. */
export async function main(environment: NodeJS.ProcessEnv): Promise<void> {
  const result = readConfig(environment, availableParallelism())
  if (!result.ok) return fail(`The configuration has problems:\n  ${result.problems.join('\n  ')}`)
  const { config } = result
  const log = createLog(config.logLevel)
  const latchkey = await compose(config, { clock: systemClock, random: systemRandom, log })
  const address = await latchkey.listen()
  log.info({ address }, 'ready')
}

function fail(message: string): void {
  process.stderr.write(`${message}\n`)
  process.exitCode = 1
}

if (import.meta.main) await main(process.env)
