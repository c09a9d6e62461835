import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { signedInTerminal } from '../../test/harness/cli.ts'
import { startServer } from '../../test/harness/server.ts'
import { commands, serverCommands } from './commands.ts'
import { exitCodes } from './exit-codes.ts'

/** What each command is asked here, once where it can do it and once where it cannot. */
const asked: Record<string, { well: string[]; badly: [code: number, ...args: string[]] }> = {
  login: { well: [], badly: [exitCodes.usage, '--port', 'http'] }, // the other is in login.test.ts
  whoami: { well: [], badly: [exitCodes.signInRequired, '--account', 'nobody'] },
  accounts: { well: [], badly: [exitCodes.usage, 'surplus'] },
  use: { well: ['ACCOUNT'], badly: [exitCodes.signInRequired, 'nobody'] },
  token: { well: [], badly: [exitCodes.signInRequired, '--account', 'nobody'] },
  exec: { well: ['--', 'echo', '{}'], badly: [exitCodes.usage] },
  doctor: { well: ['--client'], badly: [exitCodes.usage, '--client', '--server'] },
  scan: { well: ['FOLDER'], badly: [exitCodes.usage, '-', 'FOLDER'] },
  completion: { well: ['bash'], badly: [exitCodes.usage, 'powershell'] },
  logout: { well: [], badly: [exitCodes.signInRequired, '--account', 'nobody'] },
}

test('with --json every command says one document on stdout, when it works and when it fails', async () => {
  const people = Object.keys(commands).filter((name) => !serverCommands.includes(name))
  assert.deepEqual(Object.keys(asked).sort(), people.sort())
  await using server = await startServer()
  const { terminal, email } = await signedInTerminal(server.origin)
  await using _ = terminal
  await writeFile(join(terminal.dir, '..', 'harmless.txt'), 'no key in here')
  const fill = (args: readonly string[]) =>
    args.map((arg) => ({ ACCOUNT: email, FOLDER: join(terminal.dir, '..') })[arg] ?? arg)
  for (const [name, { well, badly }] of Object.entries(asked)) {
    const [code, ...args] = badly
    const failed = await terminal.run([name, '--json', ...fill(args)])
    assert.equal(failed.code, code, `${name}: ${failed.out}${failed.err}`)
    assert.equal(failed.err, '', name)
    const { error } = JSON.parse(failed.out)
    assert.deepEqual(
      [typeof error.code, typeof error.message, error.exit_code],
      ['string', 'string', code],
    )
    if (name === 'login') continue
    const ran = await terminal.run([name, '--json', ...fill(well)])
    assert.equal(ran.code, 0, `${name}: ${ran.out}${ran.err}`)
    assert.equal(typeof JSON.parse(ran.out), 'object', name)
    assert.equal(ran.out.trim().split('\n').length, 1, `${name}: a line that a script can read`)
  }
})
