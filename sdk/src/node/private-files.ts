import { constants } from 'node:fs'
import { chmod, copyFile, link, lstat, mkdir, open, rename, rm } from 'node:fs/promises'
import { homedir, platform, userInfo } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'
import { StoreUnavailable } from '../errors/errors.ts'
import { pause, systemClock } from '../platform/clock.ts'
import { systemRandom } from '../platform/random.ts'
import { withFileLock } from './locks/lock.ts'

const bytesMax = 1_000_000

/** Where an app keeps private state for this user: XDG, macOS, Windows. */
export function stateDirectory(app: string): string {
  if (!/^[\w.-]+$/.test(app))
    throw new Error('an app name has letters, digits, dot, dash, underscore')
  const { env } = process
  switch (platform()) {
    case 'darwin':
      return join(home(), 'Library', 'Application Support', app)
    case 'win32':
      return join(env.LOCALAPPDATA || join(home(), 'AppData', 'Local'), app)
    default: {
      // A relative one is to be ignored (XDG Base Directory): it would depend on where one stands.
      const state = env.XDG_STATE_HOME ?? ''
      return join(isAbsolute(state) ? state : join(home(), '.local', 'state'), app)
    }
  }
}

/** Absolute: with HOME empty, Node would put secrets wherever the program happens to stand. */
function home(): string {
  const told = [homedir, () => userInfo().homedir].map((ask) => {
    try {
      return ask()
    } catch {
      return '' // a user without an entry, as in some containers
    }
  })
  const found = told.find((path) => isAbsolute(path))
  if (found !== undefined) return found
  const detail = 'there is no home folder; set HOME, or name a folder'
  throw new StoreUnavailable('store_unavailable', { detail })
}

/** The directory, mode 0700 and ours. Throws if it is a link or somebody else's. */
export async function ensurePrivateDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  const found = await lstat(path)
  if (!found.isDirectory()) throw unfit(path, 'is not a directory')
  const me = process.getuid?.()
  if (me !== undefined && found.uid !== me) throw unfit(path, 'belongs to another user')
  if ((found.mode & 0o077) !== 0) await chmod(path, 0o700)
}

const unfit = (path: string, what: string) =>
  new StoreUnavailable('store_unavailable', { detail: `${path} ${what}` })

export type PrivateRead =
  | { state: 'present'; text: string }
  | { state: 'absent' }
  | { state: 'unusable'; detail: string }

/** The file's text, without following a link and without trusting its size. */
export async function readPrivate(path: string): Promise<PrivateRead> {
  let file: Awaited<ReturnType<typeof open>>
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return { state: 'absent' }
    if (code === 'ELOOP') return { state: 'unusable', detail: 'a symbolic link' }
    throw error
  }
  try {
    const found = await file.stat()
    if (!found.isFile()) return { state: 'unusable', detail: 'not a plain file' }
    if (found.size > bytesMax) return { state: 'unusable', detail: 'too large' }
    if ((found.mode & 0o077) !== 0) await file.chmod(0o600)
    return { state: 'present', text: await file.readFile('utf8') }
  } finally {
    await file.close()
  }
}

/**
 * Replaces the file: a draft of mode 0600 beside it, fsync, rename, fsync of the directory. Readers
 * see the old text or the new one, after a power cut too. One writer at a time (the caller's lock).
 */
export async function writePrivate(path: string, text: string): Promise<void> {
  const draft = `${path}.draft`
  await rm(draft, { force: true }) // of a writer that was killed
  const file = await open(draft, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(draft, path)
  await syncDirectory(dirname(path))
}

export async function syncDirectory(path: string): Promise<void> {
  if (platform() === 'win32') return // directories cannot be opened there
  const directory = await open(path, constants.O_RDONLY)
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

/**
 * 32 random bytes in a file of mode 0600, made when first asked for. Processes that start together
 * agree: the file appears complete under its name by `link`, and the losers read the winner's.
 */
export async function localKey(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const existing = await readKey(path)
  if (existing) return existing
  await ensurePrivateDirectory(dirname(path))
  await putAsideWhatIsNoKey(path)
  const draft = `${path}.${process.pid}.${Buffer.from(systemRandom.bytes(4)).toString('hex')}`
  await writePrivate(draft, `${Buffer.from(systemRandom.bytes(32)).toString('base64')}\n`)
  try {
    await link(draft, path)
    await syncDirectory(dirname(path))
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (withoutLinks.has(code)) await copyFile(draft, path, constants.COPYFILE_EXCL).catch(() => {})
    else if (code !== 'EEXIST') throw error
  } finally {
    await rm(draft, { force: true })
  }
  const made = await readKey(path)
  if (!made) throw unfit(path, 'does not hold a key')
  return made
}

/**
 * A key file that holds no key opens nothing any more; left in its place, nobody could sign in again.
 * One at a time, so that nobody puts aside the key that another has just made.
 */
async function putAsideWhatIsNoKey(path: string): Promise<void> {
  const isNoKey = async () => {
    const found = await readPrivate(path)
    return found.state === 'present' && keyIn(found.text) === null
  }
  if (!(await isNoKey())) return
  await pause(systemClock, 100) // it may be a copy on its way, where there are no hard links
  await withFileLock(`${path}.lock`, async () => {
    if (await isNoKey()) await rename(path, `${path}.damaged`)
  })
}

/** How file systems without hard links refuse one. */
export const withoutLinks: ReadonlySet<string> = new Set([
  'EPERM',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOSYS',
  'EMLINK',
])

/** The key in that file, or null when there is no file, or none in it. */
export async function readKey(path: string): Promise<Uint8Array<ArrayBuffer> | null> {
  const found = await readPrivate(path)
  if (found.state === 'absent') return null
  if (found.state === 'unusable') throw unfit(path, `is ${found.detail}`)
  return keyIn(found.text)
}

function keyIn(text: string): Uint8Array<ArrayBuffer> | null {
  const key = new Uint8Array(Buffer.from(text, 'base64'))
  return key.length === 32 ? key : null
}
