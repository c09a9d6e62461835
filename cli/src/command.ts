import { availableParallelism } from 'node:os'
import type { ParseArgsConfig } from 'node:util'
import type { Edges } from '../../server/src/compose.ts'
import { type Config, readConfig } from '../../server/src/config.ts'
import { systemClock } from '../../server/src/platform/clock/clock.ts'
import { systemRandom } from '../../server/src/platform/ids/ids.ts'
import { createLog } from '../../server/src/platform/log/log.ts'
import { explainStart } from '../../server/src/start-trouble.ts'

export const done = 0
export const failed = 1
export const usageError = 2
export const pending = 3

export type Context = {
  environment: NodeJS.ProcessEnv
  json: boolean
  /** The options as parsed, by name. */
  values: Record<string, unknown>
}

export type Command = {
  /** After the command's name. */
  usage: string
  /** One line. */
  summary: string
  help?: string
  options: NonNullable<ParseArgsConfig['options']>
  /** Answers the exit code. An error thrown is told in one line, exit code 1. */
  run(context: Context): Promise<number>
}

/** The server's configuration, or an error that names every problem. */
export function configOf({ environment }: Context): Config {
  const result = readConfig(environment, availableParallelism())
  if (result.ok) return result.config
  throw new Error(`The configuration has problems:\n  ${result.problems.join('\n  ')}`)
}

/** The result: for programs as JSON, for people as text. */
export function print({ json }: Context, value: unknown, text: string): void {
  process.stdout.write(json ? `${JSON.stringify(value)}\n` : `${text}\n`)
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
