import { constants } from 'node:fs'
import { access, mkdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

export type DataFolder = {
  readonly path: string
  release(): void
}

export class DataFolderInUse extends Error {}

/**
 * Makes the folder (mode 0700) and takes it for this process alone, because the usage journal and
 * the embedded bus know one process only. The lock is the kernel's, on an otherwise empty SQLite
 * file: it ends with the process however that ends, so there is no stale lock to clean up.
 *
 * Throws `DataFolderInUse`, or the file system's own error when the folder cannot be written.
 */
export async function openDataFolder(path: string): Promise<DataFolder> {
  await makeFolder(path)
  await access(path, constants.R_OK | constants.W_OK | constants.X_OK)
  const lock = new DatabaseSync(join(path, 'latchkey.lock'), { timeout: 0 })
  try {
    lock.exec('begin exclusive')
  } catch (error) {
    lock.close()
    if ((error as { errcode?: number }).errcode === sqliteBusy)
      throw new DataFolderInUse(`${path} is in use by another process`)
    throw error
  }
  return { path, release: () => lock.close() }
}

const sqliteBusy = 5

/** Not `recursive: true`: where nothing can be made (below /proc), Node's own loop never ends. */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST' && (await stat(path)).isDirectory()) return
    const parent = dirname(path)
    if (code !== 'ENOENT' || parent === path || (await exists(parent))) throw error
    await makeFolder(parent)
    await mkdir(path, { mode: 0o700 })
  }
}

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  )
