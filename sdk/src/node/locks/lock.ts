import { dirname } from 'node:path'
import { Turns } from '../../credentials/turns.ts'
import { fileSystemOf, type Probe } from './file-system.ts'
import { withKernelLock } from './kernel-lock.ts'
import { type LeaseOptions, withLease } from './lease-lock.ts'

export type LockOptions = LeaseOptions & {
  /**
   * `kernel`: freed the moment its holder dies; for local disks. `lease`: a file with a heartbeat, for
   * what several machines may mount. Default: `lease` where the folder's file system is a network one
   * (NFS, SMB, FUSE and their like), else `kernel`. All who share a folder must use the same.
   */
  kind?: 'kernel' | 'lease'
  /** What asks the system about the folder. For tests. */
  probe?: Probe
}

// One line per path in this process, whatever store object asks: POSIX locks do not keep two
// connections of one process apart by themselves, and waiting here is cheaper than polling.
const turns = new Turns()
const found = new Map<string, Promise<'kernel' | 'lease'>>()

/** Runs `work` while no other process runs theirs for `path`. The folder of `path` exists. */
export function withFileLock<T>(
  path: string,
  work: () => Promise<T>,
  signal?: AbortSignal,
  options: LockOptions = {},
): Promise<T> {
  return turns.take(
    path,
    async () => {
      const kind = options.kind ?? (await kindFor(dirname(path), options.probe))
      return kind === 'kernel'
        ? withKernelLock(path, work, signal)
        : withLease(path, work, { ...options, signal })
    },
    signal,
  )
}

function kindFor(folder: string, probe: Probe | undefined): Promise<'kernel' | 'lease'> {
  const ask = async () =>
    (await fileSystemOf(folder, probe)) === 'network' ? 'lease' : ('kernel' as const)
  if (probe) return ask()
  const known = found.get(folder) ?? ask()
  found.set(folder, known)
  return known
}
