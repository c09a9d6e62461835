import { spawnSync } from 'node:child_process'
import { enableCompileCache, flushCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'
import { consoleIsStale } from './console-build.ts'

/** `npm start`: builds the console when it is missing or older than its sources, then serves everything in this process. */
const root = new URL('../', import.meta.url)
if (consoleIsStale()) {
  console.log('Building the console (only when it has changed) …')
  const build = ['run', '--silent', 'build', '--workspace', 'console', '--', '--logLevel', 'warn']
  const { status } = spawnSync('npm', build, { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

// npm passes SIGTERM on to the shell between us, which dies of it and leaves us running: whoever
// stops `npm start` by its process id means this process.
const parent = process.ppid
if (process.env.npm_lifecycle_event === 'start') {
  const watch = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(watch)
    process.kill(process.pid, 'SIGTERM')
  }, 200).unref()
}

// Compiled once and kept: halves the time of every later start. Only what is imported after it counts.
enableCompileCache(fileURLToPath(new URL('node_modules/.cache/latchkey', root)))
const { main } = await import('../server/src/main.ts')
await main(process.env)
flushCompileCache() // now, for a killed process writes nothing
