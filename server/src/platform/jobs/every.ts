import { errorFields, type Log } from '#platform/log/log.ts'

export type Job = { stop(): Promise<void> }

/** What a room forgets: `sweep` is one pass of what `start` has done again and again, for tests. */
export type Sweeper = { start(): void; stop(): Promise<void>; sweep(): Promise<void> }

/**
 * Runs `work` every `intervalMs`, never twice at once: a slow run delays the next. A failing run is
 * logged and the next one tries again. `stop` waits for a run that has begun. What the work decides
 * by time it takes from the clock; only the waking up is real time.
 */
export function every(
  intervalMs: number,
  name: string,
  log: Log,
  work: () => Promise<unknown>,
): Job {
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()
  let stopped = false
  const run = async () => {
    try {
      await work()
    } catch (error) {
      log.error({ job: name, err: errorFields(error) }, 'a job failed and will run again')
    }
    if (!stopped) schedule()
  }
  const schedule = () => {
    timer = setTimeout(() => {
      running = run()
    }, intervalMs).unref()
  }
  schedule()
  return {
    async stop() {
      stopped = true
      clearTimeout(timer)
      await running
    },
  }
}
