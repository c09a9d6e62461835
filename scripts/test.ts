import { spawnSync } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'

/**
 * `npm test`: every test this machine can run. What is missing is named loudly, never passed over
 * in silence. Arguments are path fragments that narrow the run.
 */
const wanted = process.argv.slice(2)
const patterns = [
  'server/**/*.test.ts',
  'sdk/**/*.test.ts',
  'cli/**/*.test.ts',
  'test/**/*.test.ts',
  'console/**/*.test.ts',
]
const files = globSync(patterns, { exclude: (path) => path.includes('node_modules') })
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .sort()

const missing = [
  process.env.LATCHKEY_TEST_POSTGRES_URL
    ? null
    : 'PostgreSQL: set LATCHKEY_TEST_POSTGRES_URL=postgres://user:password@host/postgres',
  process.env.LATCHKEY_TEST_REDIS_URL
    ? null
    : 'Redis: set LATCHKEY_TEST_REDIS_URL=redis://host:port',
  existsSync(process.env.LATCHKEY_TEST_CHROMIUM ?? '/usr/bin/chromium')
    ? null
    : 'Chromium: install it, or set LATCHKEY_TEST_CHROMIUM to its path',
].filter((line) => line !== null)
for (const line of missing) console.log(`SKIPPING the tests that need ${line}`)

const { status } = spawnSync(process.execPath, ['--test', '--test-reporter=spec', ...files], {
  stdio: 'inherit',
})
for (const line of missing) console.log(`SKIPPED the tests that need ${line}`)
process.exit(status ?? 1)
