import { availableParallelism } from 'node:os'
import type { Edges } from '../../../server/src/compose.ts'
import { type Config, readConfig } from '../../../server/src/config.ts'
import { systemClock } from '../../../server/src/platform/clock/clock.ts'
import { systemRandom } from '../../../server/src/platform/ids/ids.ts'
import { createLog } from '../../../server/src/platform/log/log.ts'
import { explainStart } from '../../../server/src/start-trouble.ts'
import type { Context } from '../command.ts'

/** The server's configuration, or an error that names every problem. */
export function configOf({ environment }: Context): Config {
  const result = readConfig(environment, availableParallelism())
  if (result.ok) return result.config
  throw new Error(`The configuration has problems:\n  ${result.problems.join('\n  ')}`)
}

export const edges: Edges = {
  clock: systemClock,
  random: systemRandom,
  log: createLog('silent'),
}

/** Runs `work`; what keeps an installation from opening is told as the server tells it. */
export async function explained<T>(config: Config, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw new Error(explainStart(error, config), { cause: error })
  }
}
