import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { FakeProvider } from '../../../sdk/src/testing/index.ts'
import { cliPath, openTerminal } from '../../../test/harness/cli.ts'

test('whoever waits sees for what: one line in a log, a running clock in a terminal, nothing with --quiet', async () => {
  const provider = new FakeProvider({ delayMs: 1_200 })
  const issuer = await provider.listen()
  const env = {
    LATCHKEY_ISSUER: issuer,
    LATCHKEY_CLIENT_ID: 'app',
    LATCHKEY_CLIENT_SECRET: 'not-shown',
  }
  await using log = await openTerminal(env)
  await using quiet = await openTerminal(env)
  await using watched = await openTerminal(env)
  // `script` gives the command a terminal of its own and hands on what appears there.
  const inTerminal = promisify(execFile)(
    'script',
    ['-qec', `'${process.execPath}' '${cliPath}' token`, '/dev/null'],
    {
      env: {
        ...env,
        PATH: process.env.PATH,
        TERM: 'xterm',
        LATCHKEY_CLI_DIR: watched.dir,
        LATCHKEY_CLI_KEYCHAIN: 'off',
      },
    },
  )
  try {
    const [plain, silent, { stdout: screen }] = await Promise.all([
      log.run(['token']),
      quiet.run(['token', '--quiet']),
      inTerminal,
    ])
    const line = `Asking ${issuer} for a fresh token`
    assert.deepEqual([plain.code, plain.err], [0, `${line}\n`])
    assert.deepEqual([silent.code, silent.err], [0, ''])
    assert.match(screen, new RegExp(`\\r\\x1b\\[K[⠋⠙⠹⠸] ${line} \\(\\d s\\)`))
    const left = screen.slice(screen.lastIndexOf('\x1b[K') + 3)
    assert.match(left, /^at-\w+\r?\n$/, 'the line is gone, the token alone stays')
  } finally {
    await provider.close()
  }
})
