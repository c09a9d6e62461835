import { constants } from 'node:fs'
import { open, readdir, readFile, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { basename, dirname } from 'node:path'
import { type Clock, pause, systemClock } from '../../platform/clock.ts'

export type LeaseOptions = {
  /** For how long a holder that shows no sign of life keeps others out. Default 10 000. */
  leaseMs?: number
  clock?: Clock
  /** Called when this process finds that it was taken for dead while it worked. */
  lost?: () => void
}

/** `beat` grows while its holder lives; a free one has no owner. */
type Note = { owner: string | null; beat: number }

/**
 * Runs `work` while no other process runs theirs for `path`, on file systems whose own locks cannot be
 * trusted. Needs only that creating a file that must not exist yet succeeds for one of several.
 *
 * The holder's note is a file with a number, `path.<n>`; the highest is the current one. Whoever finds
 * it free, or unchanged for `leaseMs` of their own time (no two machines' clocks are compared), creates
 * `path.<n + 1>`, which works for one of them. Numbers never come back, so a note found late takes
 * nothing away from anybody.
 *
 * A lease is a guess about somebody else's death. A holder that slept through its lease is not stopped
 * from working, so what it then writes must be refused by its revision (see `writeEdition`).
 */
export async function withLease<T>(
  path: string,
  work: () => Promise<T>,
  options: LeaseOptions & { signal?: AbortSignal | undefined } = {},
): Promise<T> {
  const { leaseMs = 10_000, clock = systemClock, signal } = options
  const owner = `${process.pid}@${hostname()}`
  const held = await acquire(path, owner, leaseMs, clock, signal)
  let note: Note = { owner, beat: 1 }
  let ended = false
  let cancel = () => {}
  let beating = Promise.resolve()
  const beat = () => {
    cancel = clock.timer(leaseMs / 4, () => {
      beating = (async () => {
        if ((await highest(path)) !== held) return options.lost?.()
        note = { owner, beat: note.beat + 1 }
        await write(path, held, note)
        if (!ended) beat()
      })().catch(() => {
        if (!ended) beat() // a file server that hiccups: a lease lasts four beats
      })
    })
  }
  beat()
  try {
    return await work()
  } finally {
    ended = true
    cancel()
    await beating
    await write(path, held, { owner: null, beat: note.beat }).catch(() => {})
  }
}

async function acquire(
  path: string,
  owner: string,
  leaseMs: number,
  clock: Clock,
  signal: AbortSignal | undefined,
): Promise<number> {
  let seen: string | null = null
  let silentMs = 0
  let looked = 0
  for (;;) {
    signal?.throwIfAborted()
    const number = await highest(path)
    const text = number === 0 ? null : await read(path, number)
    if (number > 0 && text === null) continue // swept away meanwhile: there is a newer one
    const now = clock.monotonic()
    const sign = `${number} ${text}`
    // Silence counts only while we are awake to hear it: what stopped us may have stopped the holder. A
    // long gap counts as a short one, so that a starved machine frees a dead holder's lease all the same.
    silentMs = sign === seen ? silentMs + Math.min(now - looked, leaseMs / 10) : 0
    seen = sign
    looked = now
    const free = text === null || ownerOf(text) === null
    const silent = silentMs > leaseMs
    if ((free || silent) && (await create(path, number + 1, { owner, beat: 1 }))) {
      if ((await highest(path)) === number + 1) {
        await sweep(path, number + 1)
        return number + 1
      }
      await rm(nameOf(path, number + 1), { force: true }) // our look at the folder was an old one
    }
    await pause(clock, (leaseMs / 200) * (1 + Math.random()), signal)
  }
}

const nameOf = (path: string, number: number): string => `${path}.${number}`

async function numbers(path: string): Promise<number[]> {
  const start = `${basename(path)}.`
  return (await readdir(dirname(path)))
    .filter((name) => name.startsWith(start) && /^\d+$/.test(name.slice(start.length)))
    .map((name) => Number(name.slice(start.length)))
}

const highest = async (path: string): Promise<number> => Math.max(0, ...(await numbers(path)))

/** Opened anew each time: network file systems show the newest content to whoever opens. */
async function read(path: string, number: number): Promise<string | null> {
  try {
    return await readFile(nameOf(path, number), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/** Undefined for a note that is being written; its writer has the lease all the same. */
function ownerOf(text: string): string | null | undefined {
  try {
    return (JSON.parse(text) as Note).owner
  } catch {
    return undefined
  }
}

async function create(path: string, number: number, note: Note): Promise<boolean> {
  try {
    const flags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY
    const file = await open(nameOf(path, number), flags, 0o600)
    try {
      await file.writeFile(JSON.stringify(note))
    } finally {
      await file.close()
    }
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Only over an existing note: one that was swept away stays away. */
async function write(path: string, number: number, note: Note): Promise<void> {
  const file = await open(nameOf(path, number), constants.O_WRONLY)
  try {
    const text = JSON.stringify(note)
    await file.write(text, 0)
    await file.truncate(Buffer.byteLength(text))
  } finally {
    await file.close()
  }
}

async function sweep(path: string, current: number): Promise<void> {
  for (const number of await numbers(path))
    if (number < current) await rm(nameOf(path, number), { force: true })
}
