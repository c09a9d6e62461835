import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileSystemOf } from '../../../sdk/src/node/locks/file-system.ts'
import type { Keep } from '../accounts/keep.ts'
import type { Context } from '../command.ts'
import type { Finding } from './finding.ts'

/** The folder of the sign-ins: whose it is, who may read it, what lies in it. Before anything mends it. */
export async function examineFolder(keep: Keep, { m }: Context): Promise<Finding[]> {
  const finding = (
    part: string,
    result: Finding['result'],
    what: string,
    next: string | null = null,
  ) => ({ side: 'client', part, result, what, next }) satisfies Finding
  const { doctor: words } = m
  const { dir } = keep
  const folder = await lstat(dir).catch((error: NodeJS.ErrnoException) => error)
  if (folder instanceof Error)
    return folder.code === 'ENOENT'
      ? [finding(words.folder, 'ok', words.folderAbsent(dir))]
      : [finding(words.folder, 'fail', `${dir}: ${folder.code}`, words.storeNext(dir))]
  const found: Finding[] = []
  const me = process.getuid?.()
  if (!folder.isDirectory() || (me !== undefined && folder.uid !== me))
    return [finding(words.folder, 'fail', words.folderForeign(dir), words.storeNext(dir))]
  if ((folder.mode & 0o077) !== 0 && me !== undefined)
    found.push(
      finding(words.folder, 'fail', words.folderOpen(dir), m.common.run(`chmod -R go= '${dir}'`)),
    )
  else found.push(finding(words.folder, 'ok', dir))

  if ((await fileSystemOf(dir)) === 'network')
    found.push(finding(words.folder, 'warn', words.folderRemote, words.folderRemoteNext))

  const open: string[] = []
  for (const name of await readdir(dir)) {
    const file = await lstat(join(dir, name)).catch(() => null)
    if (file?.isFile() && me !== undefined && ((file.mode & 0o077) !== 0 || file.uid !== me))
      open.push(name)
  }
  if (open.length > 0)
    found.push(
      finding(words.files, 'fail', words.filesOpen(open), m.common.run(`chmod -R go= '${dir}'`)),
    )
  return found
}
