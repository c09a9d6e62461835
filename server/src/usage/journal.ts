import { close, constants, fdatasync, fsync, mkdirSync, open, readdirSync, write } from 'node:fs'
import { readdir, readFile, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { journalLine, recordJson } from './record-line.ts'
import type { UsageRecord, UsageRecorder } from './usage-record.ts'

/**
 * Where a call's record is durable before its answer ends: an append-only file in the data folder.
 *
 * Group commit: while one write and its sync are under way (in libuv's thread pool), records gather,
 * and the next write takes them all. A record's callback runs after its own batch has been synced.
 * After a failed write or sync the segment is given up (what a file holds after a failed fsync is
 * unknown), its records are refused and the next batch starts a new one.
 *
 * Segments are numbered; the highest is being written, lower ones wait for the drainer, which moves
 * them into the database and removes them. One process owns the folder.
 */
export type Journal = UsageRecorder & {
  /** Ends the current segment, so that it can be drained; waits for the batch under way, not for later ones. */
  rotate(): Promise<void>
  /** Names of the ended segments, oldest first. */
  ended(): Promise<string[]>
  read(segment: string): Promise<string>
  /** The same records from memory, where this process wrote them and they are not too many; once. */
  takeKept(segment: string): UsageRecord[] | null
  remove(segment: string): Promise<void>
  /** Whether records have been written since the last `rotate`. */
  readonly dirty: boolean
  /** The last error, until a batch has been synced again. */
  readonly failure: Error | null
  /** Syncs what is there and closes the file. Records after this are refused. */
  close(): Promise<void>
}

const turnsMax = 32

/** Beyond this a segment is read from its file: a database that is away must not fill the memory. */
const keptMax = 20_000
const keptSegmentsMax = 4

type Waiter = (error: Error | null) => void

export function openJournal(folder: string): Journal {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  let segment: { name: string; fd: number; kept: UsageRecord[] | null } | null = null
  const keptOf = new Map<string, UsageRecord[]>()
  let records: UsageRecord[] = []
  let lines: string[] = []
  let waiters: Waiter[] = []
  let busy = false
  let scheduled = false
  let closed = false
  let dirty = false
  let failure: Error | null = null
  /** Those who wait for the current batch to be over; the segment ends then. */
  let rotating: (() => void)[] = []
  let last = Math.max(0, ...readdirSync(folder).filter(isSegment).map(Number.parseFloat))

  /** Lets a batch grow as long as each turn of the loop brings more records: a lone one waits one turn. */
  function gather(): void {
    if (scheduled) return
    scheduled = true
    let seen = lines.length
    let turns = 0
    const look = () => {
      if (lines.length > seen && ++turns < turnsMax) {
        seen = lines.length
        setImmediate(look)
      } else flush()
    }
    setImmediate(look)
  }

  function flush(): void {
    scheduled = false
    if (busy || lines.length === 0) return
    const bytes = Buffer.from(lines.join(''))
    const batch = waiters
    const batchRecords = records
    lines = []
    waiters = []
    records = []
    busy = true
    dirty = true
    const finish = (error: Error | null) => {
      failure = error
      busy = false
      if (error) {
        if (segment) segment.kept = null // which of them are in the file is for the file to say
      } else keep(batchRecords)
      if (error || rotating.length > 0) endSegment()
      for (const waiter of batch) waiter(error)
      if (lines.length > 0 && !busy) gather()
    }
    withSegment((error, fd) => {
      if (error) return finish(error)
      writeAll(fd, bytes, (failed) => {
        if (failed) return finish(failed)
        sync(fd, finish)
      })
    })
  }

  function keep(more: UsageRecord[]): void {
    const kept = segment?.kept
    if (!segment || !kept) return
    for (const one of more) kept.push(one)
    if (kept.length > keptMax) segment.kept = null
  }

  function withSegment(then: (error: Error | null, fd: number) => void): void {
    if (segment) {
      then(null, segment.fd)
      return
    }
    const name = `${String(++last).padStart(12, '0')}.log`
    open(join(folder, name), appendFlags, 0o600, (error, fd) => {
      if (error) return then(error, -1)
      segment = { name, fd, kept: [] }
      syncFolder(folder, (failed) => then(failed, fd))
    })
  }

  function endSegment(): void {
    if (segment) {
      close(segment.fd)
      if (segment.kept && keptOf.size < keptSegmentsMax) keptOf.set(segment.name, segment.kept)
    }
    segment = null
    dirty = false
    const resolvers = rotating
    rotating = []
    for (const resolve of resolvers) resolve()
  }

  const rotate = () =>
    new Promise<void>((resolve) => {
      rotating.push(resolve)
      if (!busy) endSegment()
    })

  return {
    record(record, done) {
      if (closed) return done(new Error('the journal is closed'))
      records.push(record)
      lines.push(journalLine(recordJson(record)))
      waiters.push(done)
      if (!busy) gather()
    },
    rotate,
    async ended() {
      const names = (await readdir(folder)).filter(isSegment)
      return names.filter((name) => name !== segment?.name).sort()
    },
    read: (name) => readFile(join(folder, name), 'utf8'),
    takeKept(name) {
      const kept = keptOf.get(name) ?? null
      keptOf.delete(name)
      return kept
    },
    remove: (name) => unlink(join(folder, name)),
    get dirty() {
      return dirty || lines.length > 0
    },
    get failure() {
      return failure
    },
    async close() {
      closed = true
      if (lines.length > 0 && !busy) flush()
      while (busy || lines.length > 0) await rotate()
      await rotate()
    },
  }
}

/** Where the system has it, a write returns when it is on disk: one trip to the thread pool and not two. */
const syncedWrites = constants.O_DSYNC ?? 0
const appendFlags = constants.O_CREAT | constants.O_WRONLY | constants.O_APPEND | syncedWrites
const sync = (fd: number, then: (error: Error | null) => void): void => {
  if (syncedWrites) then(null)
  else fdatasync(fd, then)
}

const isSegment = (name: string): boolean => /^\d{12}\.log$/.test(name)

/** The file's name has to survive as well, not only its content. */
function syncFolder(folder: string, then: (error: Error | null) => void): void {
  open(folder, 'r', (error, fd) => {
    if (error) return then(error)
    fsync(fd, (failed) => close(fd, () => then(failed)))
  })
}

/** A write may be short; what is missing is written after it. */
function writeAll(fd: number, bytes: Buffer, then: (error: Error | null) => void): void {
  write(fd, bytes, 0, bytes.length, null, (error, written) => {
    if (error) return then(error)
    if (written === bytes.length) return then(null)
    writeAll(fd, bytes.subarray(written), then)
  })
}
