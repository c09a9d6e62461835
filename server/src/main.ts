import { availableParallelism } from 'node:os'
import { systemClock } from '#platform/clock/clock.ts'
import { systemRandom } from '#platform/ids/ids.ts'
import { createLog, errorFields, type Log } from '#platform/log/log.ts'
import { plainLine } from '#platform/log/plain.ts'
import { compose, type Latchkey } from './compose.ts'
import { type Config, readConfig } from './config.ts'
import { readyText } from './ready-text.ts'
import { explainStart } from './start-trouble.ts'

/**
 * Reads the configuration, builds, listens, drains. Whatever keeps it from starting is told in one
 * line (the configuration: one block with all its problems) on stderr, and the exit code is 1.
 */
export async function main(environment: NodeJS.ProcessEnv): Promise<void> {
  const result = readConfig(environment, availableParallelism())
  if (!result.ok) return fail(`The configuration has problems:\n  ${result.problems.join('\n  ')}`)
  const { config } = result
  const forPeople = config.mode === 'development'
  const log = createLog(
    config.logLevel,
    forPeople ? (line) => process.stdout.write(plainLine(line)) : undefined,
  )
  endOnBug(log)
  let latchkey: Latchkey
  try {
    latchkey = await compose(config, { clock: systemClock, random: systemRandom, log })
    endOnSignal(latchkey, config, log)
    const address = await latchkey.listen()
    if (forPeople) process.stdout.write(readyText(config, latchkey.welcome))
    else announce(config, latchkey, address, log)
  } catch (error) {
    log.debug(
      { err: errorFields(error instanceof Error ? (error.cause ?? error) : error) },
      'start',
    )
    return fail(explainStart(error, config))
  }
}

function announce(config: Config, latchkey: Latchkey, address: string, log: Log): void {
  log.info({ address, origin: config.origin, data_dir: config.dataDir }, 'ready')
  const { operatorLink } = latchkey.welcome
  // Apart from the log: it is a credential, and logs travel.
  if (operatorLink) process.stderr.write(`Operator link, valid once: ${operatorLink}\n`)
}

/**
 * SIGTERM, SIGINT: drain and exit 0. A second one exits at once; within half a second of the first
 * it does not count, for npm passes on a signal that the terminal has already delivered.
 */
function endOnSignal(latchkey: Latchkey, config: Config, log: Log): void {
  let endingSince: number | null = null
  const end = (signal: NodeJS.Signals) => {
    const now = performance.now()
    if (endingSince !== null) {
      if (now - endingSince > 500) process.exit(130)
      return
    }
    endingSince = now
    log.info({ signal, drain_seconds: config.drainSeconds }, 'stopping')
    latchkey.close(config.drainSeconds).then(
      () => {
        log.info({}, 'stopped')
        process.exit(0)
      },
      (error: unknown) => {
        log.error({ err: errorFields(error) }, 'could not close everything')
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', end)
  process.on('SIGINT', end)
}

/** A state nobody foresaw is not served from: the log gets it, and whoever supervises starts anew. */
function endOnBug(log: Log): void {
  const end = (error: unknown) => {
    log.error({ err: errorFields(error) }, 'ended by a bug')
    process.exit(1)
  }
  process.on('uncaughtException', end)
  process.on('unhandledRejection', end)
}

/** Exits at once: what is half open must not keep a failed start alive. */
function fail(message: string): void {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}

if (import.meta.main) await main(process.env)
