import { realpath, statfs } from 'node:fs/promises'
import { platform } from 'node:os'
import { runProgram } from '../keychain/run-program.ts'

/** `network`: other machines may have it too, or its locks are somebody's emulation. */
export type FileSystem = 'local' | 'network'

/** What asks the system; a test brings its own. */
export type Probe = {
  system: NodeJS.Platform
  /** The magic number of Linux' statfs(2). */
  type(path: string): Promise<number>
  /** What `mount` prints, on macOS. */
  mounts(): Promise<string>
  /** The path with mapped drives and links resolved, on Windows. */
  real(path: string): Promise<string>
}

const systemProbe: Probe = {
  system: platform(),
  type: async (path) => (await statfs(path)).type,
  mounts: async () => (await runProgram('/sbin/mount', [], { timeoutMs: 2_000 })).stdout,
  real: (path) => realpath(path),
}

// statfs(2), and the kernel's magic.h. FUSE is among them: sshfs, gcsfuse and virtiofs look alike.
const networkTypes = new Set([
  0x6969, // nfs
  0x517b, // smb
  0xfe534d42, // smb2
  0xff534d42, // cifs
  0x65735546, // fuse
  0x01021997, // 9p, such as Windows drives under WSL
  0x00c36400, // ceph
  0x5346414f, // afs
  0x6b414653, // kafs
  0x73757245, // coda
  0x0bd00bd0, // lustre
  0x47504653, // gpfs
  0x7461636f, // ocfs2
  0x01161970, // gfs2
  0x786f4256, // vboxsf
  0x19830326, // beegfs
])
const networkNames = /^(nfs|smbfs|afpfs|webdav|ftp|cifs|autofs|macfuse|osxfuse|fuse\w*|sshfs)$/

/** What kind of file system `path` lies on. What cannot be found out counts as local. */
export async function fileSystemOf(path: string, probe = systemProbe): Promise<FileSystem> {
  try {
    switch (probe.system) {
      case 'linux':
      case 'android':
        return networkTypes.has((await probe.type(path)) >>> 0) ? 'network' : 'local'
      case 'darwin':
        return networkNames.test(mountedAs(await probe.mounts(), path)) ? 'network' : 'local'
      case 'win32':
        return /^\\\\(?!\?\\[A-Z]:|\.\\)/i.test(await probe.real(path)) ? 'network' : 'local'
      default:
        return 'local'
    }
  } catch {
    return 'local'
  }
}

/** The type of the mount that `path` lies below, from lines like `a on /b (smbfs, nodev)`. */
function mountedAs(mounts: string, path: string): string {
  let best = ''
  let type = ''
  for (const line of mounts.split('\n')) {
    const [, at, kind] = / on (\/.*) \((\w+)[,)]/.exec(line) ?? []
    if (at === undefined || kind === undefined || at.length < best.length) continue
    if (path === at || path.startsWith(at.endsWith('/') ? at : `${at}/`)) {
      best = at
      type = kind
    }
  }
  return type
}
