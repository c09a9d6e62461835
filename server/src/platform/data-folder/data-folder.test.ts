import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { DataFolderInUse, openDataFolder } from './data-folder.ts'

test('a folder is held by one process at a time, and freed by kill -9', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'latchkey-folder-'))
  const path = join(parent, 'data')
  const holder = spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `const { openDataFolder } = await import(${JSON.stringify(import.meta.resolve('./data-folder.ts'))})
       await openDataFolder(${JSON.stringify(path)}); console.log('held'); setInterval(() => {}, 1e6)`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  await once(holder.stdout, 'data')
  assert.equal((await stat(path)).mode & 0o777, 0o700)
  await assert.rejects(openDataFolder(path), DataFolderInUse)
  holder.kill('SIGKILL')
  await once(holder, 'exit')
  const folder = await openDataFolder(path)
  folder.release()
  ;(await openDataFolder(path)).release()
  await rm(parent, { recursive: true })
})
