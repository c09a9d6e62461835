import { lstat, readdir, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { Keep } from '../accounts/keep.ts'
import type { Context } from '../command.ts'
import type { Finding } from './finding.ts'

/** File systems of other machines, by their magic numbers (statfs(2)): POSIX locks do not hold there. */
const networkFileSystems: Record<number, string> = {
  26985: 'NFS',
  4283649346: 'CIFS',
  4266872130: 'SMB2',
  20859: 'SMB',
  16914836: '9p',
  1702057286: 'FUSE',
}

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
    found.push(finding(words.folder, 'fail', words.folderForeign(dir), words.storeNext(dir)))
  else if ((folder.mode & 0o077) !== 0 && me !== undefined)
    found.push(
      finding(words.folder, 'fail', words.folderOpen(dir), m.common.run(`chmod -R go= '${dir}'`)),
    )
  else found.push(finding(words.folder, 'ok', dir))

  const { type } = await statfs(dir)
  const remote = networkFileSystems[type]
  if (remote)
    found.push(finding(words.folder, 'warn', words.folderRemote(remote), words.folderRemoteNext))

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
