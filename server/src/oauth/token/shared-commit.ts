import { setImmediate } from 'node:timers/promises'
import type { Database } from '#platform/db/database.ts'

/** Runs `work`, which is one step, and resolves with what it returned once that is committed. */
export type Commit = (work: () => Promise<boolean>) => Promise<boolean>

const batchMax = 64

/**
 * On SQLite, requests that arrive one close upon the other share one commit, and with it the wait for
 * the disk; each is answered only when it is there. `work` says false instead of
 * throwing, and has then written nothing; if it throws, nothing of the batch is kept and everyone
 * in it is told. On PostgreSQL the step is one statement, which commits by itself and in company.
 */
export function sharedCommit(database: Database): Commit {
  if (database.kind !== 'sqlite') return (work) => work()
  type Waiting = {
    work: () => Promise<boolean>
    resolve: (result: boolean) => void
    reject: (error: unknown) => void
  }
  const waiting: Waiting[] = []
  let running = false

  const commitAll = async () => {
    running = true
    while (waiting.length > 0) {
      // Whoever arrives comes along, and as long as somebody does it pays to wait: a commit costs as
      // much as the work of two requests.
      for (let seen = 0; seen < waiting.length && waiting.length < batchMax; ) {
        seen = waiting.length
        await setImmediate()
      }
      const batch = waiting.splice(0, batchMax)
      try {
        const results = await database.transaction(async () => {
          const each: boolean[] = []
          for (const { work } of batch) each.push(await work())
          return each
        })
        for (const [i, { resolve }] of batch.entries()) resolve(results[i] ?? false)
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    running = false
  }

  return (work) =>
    new Promise((resolve, reject) => {
      waiting.push({ work, resolve, reject })
      if (!running) void commitAll()
    })
}
