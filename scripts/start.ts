import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { enableCompileCache, flushCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'

/** `npm start`: builds the console when it is missing, then serves everything in this process. */
const root = new URL('../', import.meta.url)
if (!existsSync(new URL('console/dist/index.html', root))) {
  console.log('Building the console (the first time only) …')
  const { status } = spawnSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
// Compiled once and kept: halves the time of every later start. Only what is imported after it counts.
enableCompileCache(fileURLToPath(new URL('node_modules/.cache/latchkey', root)))
const { main } = await import('../server/src/main.ts')
await main(process.env)
flushCompileCache() // now, for a killed process writes nothing
