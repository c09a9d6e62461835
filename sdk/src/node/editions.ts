import { constants } from 'node:fs'
import { link, lstat, open, readdir, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { systemRandom } from '../platform/random.ts'
import { type PrivateRead, readPrivate, syncDirectory, withoutLinks } from './private-files.ts'

/**
 * A private file that is replaced edition by edition, each under a number of its own in its name; the
 * highest is the current one. Numbers are taken by creating what must not exist yet, which succeeds
 * for one of several writers, lock or no lock, and they are complete from the moment they exist. So
 * of two writers of the same next edition one is told no, whatever it believed about its turn.
 */
export type Edition = { number: number; read: Exclude<PrivateRead, { state: 'absent' }> }

const ending = '.credential'
const litterMs = 60_000
const nameOf = (path: string, number: number): string => `${path}.${number}${ending}`

/** The current edition of `path`, or null when there is none. */
export async function readEdition(path: string): Promise<Edition | null> {
  for (;;) {
    const [number] = await numbers(path)
    if (number === undefined) return null
    const read = await readPrivate(nameOf(path, number))
    if (read.state !== 'absent') return { number, read } // else replaced while we looked
  }
}

/**
 * Writes the edition after `before` (null: the first), durably. Answers false, and changes nothing,
 * when `before` is not the current one any more.
 */
export async function writeEdition(
  path: string,
  text: string,
  before: number | null,
  place: (draft: string, target: string) => Promise<void> = link,
): Promise<boolean> {
  const number = (before ?? 0) + 1
  const target = nameOf(path, number)
  const draft = `${path}.${Buffer.from(systemRandom.bytes(6)).toString('hex')}.draft`
  await write(draft, text)
  try {
    await place(draft, target)
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return false
    if (!withoutLinks.has(code)) throw error
    // Not complete at once, but still taken by one writer; the edition before it stays until it is.
    if (!(await create(target, text))) return false
  } finally {
    await rm(draft, { force: true })
  }
  const all = await numbers(path)
  if (all[0] !== number || (before !== null && !all.includes(before))) {
    // The look that said `before` was an old one: it has been replaced, or removed, since.
    await rm(target, { force: true })
    return false
  }
  await syncDirectory(dirname(path))
  await sweep(path, number)
  return true
}

/** Removes every edition, the current one last: none of the older ones may come back in between. */
export async function removeEditions(path: string): Promise<void> {
  for (;;) {
    const all = await numbers(path)
    if (all.length === 0) break
    for (const number of all.toReversed()) await rm(nameOf(path, number), { force: true })
  }
  await syncDirectory(dirname(path))
}

/** Highest first. */
async function numbers(path: string): Promise<number[]> {
  const start = `${basename(path)}.`
  const found: number[] = []
  for (const name of await readdir(dirname(path))) {
    if (!name.startsWith(start) || !name.endsWith(ending)) continue
    const text = name.slice(start.length, -ending.length)
    if (/^[1-9]\d{0,14}$/.test(text)) found.push(Number(text))
  }
  return found.sort((a, b) => b - a)
}

async function write(path: string, text: string): Promise<void> {
  const file = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function create(path: string, text: string): Promise<boolean> {
  try {
    await write(path, text)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Older editions, and drafts of killed writers. Ages are those of one file system, not of two clocks. */
async function sweep(path: string, current: number): Promise<void> {
  for (const number of await numbers(path))
    if (number < current) await rm(nameOf(path, number), { force: true })
  const start = `${basename(path)}.`
  const folder = dirname(path)
  for (const name of await readdir(folder)) {
    if (!name.startsWith(start) || !name.endsWith('.draft')) continue
    const [draft, newest] = await Promise.all([
      lstat(join(folder, name)).catch(() => null),
      lstat(nameOf(path, current)).catch(() => null),
    ])
    if (draft && newest && newest.mtimeMs - draft.mtimeMs > litterMs)
      await rm(join(folder, name), { force: true })
  }
}
