import { execFile } from 'node:child_process'
import { lstat, opendir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** Folders that hold other people's code, or what no text search can read. */
const skipped = new Set(['.git', '.hg', '.svn', 'node_modules', '.venv', '__pycache__'])

export type Listed = { path: string } | { path: string; trouble: string }

/** Every plain file below `path`, links not followed, in a stable order. `all` skips no folder. */
export async function* filesBelow(path: string, all: boolean): AsyncGenerator<Listed> {
  let found: Awaited<ReturnType<typeof lstat>>
  try {
    found = await lstat(path)
  } catch (error) {
    yield { path, trouble: codeOf(error) }
    return
  }
  if (found.isFile()) yield { path }
  if (!found.isDirectory()) return
  const names: string[] = []
  try {
    for await (const entry of await opendir(path))
      if (all || !entry.isDirectory() || !skipped.has(entry.name)) names.push(entry.name)
  } catch (error) {
    yield { path, trouble: codeOf(error) }
  }
  for (const name of names.sort()) yield* filesBelow(join(path, name), all)
}

/** The files that git tracks below `path`: what would be published. */
export async function* trackedFiles(path: string): AsyncGenerator<Listed> {
  const { stdout } = await promisify(execFile)('git', ['-C', path, 'ls-files', '-z'], {
    maxBuffer: 256 * 1024 * 1024,
  })
  for (const name of stdout.split('\0')) if (name !== '') yield* filesBelow(join(path, name), true)
}

export const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'unknown'
