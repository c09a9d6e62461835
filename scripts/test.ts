import { spawnSync } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { debianMissing } from '../test/harness/debian.ts'
import { consoleIsStale } from './console-build.ts'

/**
 * `npm test`: every test this machine can run. What is missing is named loudly before and after,
 * never passed over in silence; with LATCHKEY_TEST_STRICT=1 it is a failure. Arguments are path
 * fragments that narrow the run.
 */
const wanted = process.argv.slice(2)
const files = globSync(['{server,sdk,cli,console,test,examples}/**/*.test.ts'], {
  exclude: (path) => path.includes('node_modules'),
})
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .sort()

const chromium = process.env.LATCHKEY_TEST_CHROMIUM ?? '/usr/bin/chromium'
const missing = [
  process.env.LATCHKEY_TEST_POSTGRES_URL
    ? null
    : 'PostgreSQL: set LATCHKEY_TEST_POSTGRES_URL=postgres://user:password@host/postgres',
  process.env.LATCHKEY_TEST_REDIS_URL
    ? null
    : 'Redis: set LATCHKEY_TEST_REDIS_URL=redis://host:port',
  installed('secret-tool', 'gnome-keyring-daemon', 'dbus-run-session')
    ? null
    : 'a Secret Service: install libsecret-tools, gnome-keyring and dbus',
  existsSync(chromium)
    ? null
    : 'Chromium: install it, or set LATCHKEY_TEST_CHROMIUM to where it is',
  ...debianMissing().map((packages) => `Debian's ${packages}`),
].filter((line) => line !== null)

if (missing.length > 0 && process.env.LATCHKEY_TEST_STRICT === '1') {
  for (const line of missing) console.error(`Missing, and nothing may be skipped: ${line}`)
  process.exit(1)
}
if (files.length === 0) {
  console.error(`No test file matches ${wanted.join(' ')}`)
  process.exit(1)
}
// The browser tests drive the built console.
if (consoleIsStale()) run('npm', ['run', '--silent', 'build'])
for (const line of missing) console.log(`SKIPPING the tests that need ${line}`)
const status = run(process.execPath, [
  '--test',
  '--test-concurrency=3', // they wait for databases and browsers about a third of the time
  '--test-timeout=180000', // a hang is a failure that says where
  '--test-reporter=spec',
  ...files,
])
for (const line of missing) console.log(`SKIPPED the tests that need ${line}`)
process.exit(status)

function installed(...programs: string[]): boolean {
  const folders = (process.env.PATH ?? '').split(delimiter)
  return programs.every((name) => folders.some((folder) => existsSync(join(folder, name))))
}

function run(command: string, args: string[]): number {
  const { status } = spawnSync(command, args, { stdio: 'inherit' })
  return status ?? 1
}
