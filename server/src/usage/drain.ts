import { setImmediate as breathe } from 'node:timers/promises'
import { errorFields, type Log } from '#platform/log/log.ts'
import type { Journal } from './journal.ts'
import { type RecordRow, readSegment } from './record-line.ts'
import type { UsageRecord } from './usage-record.ts'

/**
 * Moves records from the journal into the database, about every 700 ms while there are any. One
 * drain at a time. While the database is away records stay in the journal and are tried again;
 * a segment is removed only after its rows have been committed, and a row that comes twice counts once.
 */
export type Drainer = {
  /** Everything recorded before this call is in the database when it resolves; rejects while that cannot be reached. */
  drain(): Promise<void>
  /** Soon, by itself. */
  schedule(): void
  stop(): void
}

const pauseMs = 700
const pauseAfterFailureMs = 1_000
/** Rows a transaction; many, because the day sums are written once in each. */
const rowsAtOnce = 4_000

export function createDrainer(parts: {
  journal: Journal
  log: Log
  /** Writes rows, each once, in one transaction. */
  save(rows: readonly RecordRow[]): Promise<unknown>
  /** The same for records that cannot be there yet; throws, with nothing written, when one is. */
  saveNew(records: readonly UsageRecord[]): Promise<unknown>
}): Drainer {
  const { journal, log } = parts
  let timer: NodeJS.Timeout | null = null
  let running: Promise<void> | null = null
  let again: Promise<void> | null = null
  let failing = false
  let stopped = false

  async function run(): Promise<void> {
    if (journal.dirty) await journal.rotate()
    for (const name of await journal.ended()) {
      const kept = journal.takeKept(name) // when saving it fails, the next try reads the file
      if (kept) {
        for (let start = 0; start < kept.length; start += rowsAtOnce) {
          await parts.saveNew(kept.slice(start, start + rowsAtOnce))
          await breathe() // calls go on between two transactions
        }
        await journal.remove(name)
        continue
      }
      const { rows, torn } = readSegment(await journal.read(name))
      if (torn > 0) log.warn({ segment: name, torn }, 'a journal segment had a torn tail')
      for (let start = 0; start < rows.length; start += rowsAtOnce) {
        await parts.save(rows.slice(start, start + rowsAtOnce))
        await breathe()
      }
      await journal.remove(name)
    }
  }

  function drain(): Promise<void> {
    if (running) {
      // The one under way may have begun before the caller's records: one more follows, for all who wait.
      again ??= running.then(
        () => drain(),
        () => drain(),
      )
      return again
    }
    again = null
    running = run().finally(() => {
      running = null
    })
    return running
  }

  function schedule(delay = pauseMs): void {
    if (timer || stopped) return
    timer = setTimeout(() => {
      timer = null
      drain().then(
        () => {
          if (failing) log.info({}, 'usage is written to the database again')
          failing = false
          if (journal.dirty) schedule()
        },
        (error) => {
          if (!failing) log.error({ err: errorFields(error) }, 'usage stays in the journal')
          failing = true
          schedule(pauseAfterFailureMs)
        },
      )
    }, delay)
  }

  return {
    drain,
    schedule: () => schedule(),
    stop() {
      stopped = true
      if (timer) clearTimeout(timer)
    },
  }
}
