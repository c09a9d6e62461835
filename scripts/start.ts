import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { main } from '../server/src/main.ts'

/** `npm start`: builds the console when it is missing, then serves everything in this process. */
if (!existsSync(new URL('../console/dist/index.html', import.meta.url))) {
  console.log('Building the console (the first time only) …')
  const { status } = spawnSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
await main(process.env)
