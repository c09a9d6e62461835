import { constants } from 'node:fs'
import { lstat, open } from 'node:fs/promises'
import type { DatabaseSync } from 'node:sqlite'
import { StoreUnavailable } from '../../errors/errors.ts'
import { pause, systemClock } from '../../platform/clock.ts'

/**
 * Runs `work` while no other process runs theirs for `path`.
 *
 * The lock is an SQLite write transaction on an empty file, so the kernel frees it the moment its
 * holder dies, by kill -9 too; there is no lease to guess, and a laptop may sleep in between. For
 * local disks, and one caller per path in this process at a time.
 */
export async function withKernelLock<T>(
  path: string,
  work: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  await ensureLockFile(path)
  // Loaded by who takes a turn: a command line that only reads a fresh token starts sooner without.
  const { DatabaseSync } = await import('node:sqlite').catch((cause) => {
    const detail = `Node ${process.versions.node} has no node:sqlite to lock with; use Node 26`
    throw new StoreUnavailable('store_unavailable', { detail, cause })
  })
  const database = new DatabaseSync(path, { timeout: 0 })
  try {
    await begin(database, signal)
    return await work()
  } finally {
    database.close() // ends the transaction
  }
}

async function begin(database: DatabaseSync, signal: AbortSignal | undefined): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      database.exec('BEGIN IMMEDIATE')
      return
    } catch (error) {
      if ((error as { errcode?: unknown }).errcode !== 5) throw error // 5: SQLITE_BUSY
    }
    // Asynchronous polling: SQLite's own waiting would block every other task of this process.
    await pause(systemClock, Math.min(50, 2 + tries * 2) * (0.5 + Math.random()), signal)
  }
}

/**
 * Creates the file with mode 0600. Never opens an existing one: closing any descriptor of a file
 * drops this process's POSIX locks on it.
 */
async function ensureLockFile(path: string): Promise<void> {
  try {
    const found = await lstat(path)
    if (!found.isFile())
      throw new StoreUnavailable('store_unavailable', { detail: `${path} is not a plain file` })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    try {
      const flags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY
      await (await open(path, flags, 0o600)).close()
    } catch (raced) {
      if ((raced as NodeJS.ErrnoException).code !== 'EEXIST') throw raced
    }
  }
}
