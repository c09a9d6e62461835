import assert from 'node:assert/strict'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { beginLogin, finishLogin, openTerminal, type Terminal } from '../../../test/harness/cli.ts'
import { signedUp } from '../../../test/harness/person.ts'
import { startServer, type TestServer } from '../../../test/harness/server.ts'

let server: TestServer
before(async () => {
  server = await startServer()
})
after(() => server[Symbol.asyncDispose]())

/** A desktop session with a `secret-tool` of its own, which can be locked. */
async function desktop(): Promise<{ terminal: Terminal; lock(locked: boolean): Promise<void> }> {
  const home = await openTerminal()
  const bin = join(home.dir, '..', 'bin')
  await mkdir(bin)
  const mode = join(bin, 'mode')
  const secret = join(bin, 'secret')
  await writeFile(
    join(bin, 'secret-tool'),
    `#!/bin/sh
[ "$(cat ${mode})" = locked ] && { echo 'Cannot get secret of a locked object' >&2; exit 1; }
case $1 in
  lookup) [ -f ${secret} ] || exit 1; cat ${secret} ;;
  store) cat > ${secret} ;;
esac
`,
    { mode: 0o755 },
  )
  const lock = (locked: boolean) => writeFile(mode, locked ? 'locked' : 'open')
  await lock(false)
  const env = {
    PATH: `${bin}:${process.env.PATH}`,
    LATCHKEY_CLI_KEYCHAIN: '',
    DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nonexistent',
    CI: '',
  }
  const terminal: Terminal = {
    ...home,
    start: (args, more, input) => home.start(args, { ...env, ...more }, input),
    run: (args, more, input) => home.run(args, { ...env, ...more }, input),
    json: (code, args, more) => home.json(code, args, { ...env, ...more }),
  }
  return { terminal, lock }
}

const signIn = async (terminal: Terminal) => {
  const { person } = await signedUp(server.origin)
  return finishLogin(await beginLogin(terminal, server.origin, ['--account', 'ada']), person)
}
type Who = { key_held_by: string; state: string }

test('on a desktop the key is in the keychain; locked, the sign-in waits for it', async () => {
  const { terminal, lock } = await desktop()
  await using _ = terminal
  const ran = await signIn(terminal)
  assert.equal(ran.code, 0, ran.err)
  assert.ok(!(await readdir(terminal.dir)).includes('local.key'))
  assert.equal((await terminal.json<Who>(0, ['whoami'])).key_held_by, 'keychain')
  assert.match((await terminal.run(['token'])).out, /^ey/)

  await lock(true)
  const { error } = await terminal.json<{ error: { code: string } }>(6, ['token'])
  assert.equal(error.code, 'keychain_away')
  assert.equal((await terminal.json<Who>(6, ['whoami'])).state, 'locked')
  const doctor = await terminal.run(['doctor', '--client', '--offline'])
  assert.equal(doctor.code, 1)
  assert.match(doctor.out, /waits for the locked keychain/)
  // Over SSH there is no session to ask at all; it is still not taken for damage.
  const ssh = { DBUS_SESSION_BUS_ADDRESS: '', XDG_RUNTIME_DIR: '' }
  assert.equal((await terminal.run(['token'], ssh)).code, 6)

  await lock(false)
  assert.match((await terminal.run(['token'])).out, /^ey/, 'nothing was lost')
})

test('a keychain that cannot be used is said so once, and a key file seals instead', async () => {
  const { terminal, lock } = await desktop()
  await using _ = terminal
  await lock(true)
  const ran = await signIn(terminal)
  assert.equal(ran.code, 0, ran.err)
  assert.match(ran.err, /keychain cannot be used .*local\.key seals the sign-ins instead/)
  assert.equal((await terminal.json<Who>(0, ['whoami'])).key_held_by, 'file')
  assert.match((await terminal.run(['whoami'])).out, /local\.key/)
  assert.equal((await terminal.run(['token'])).err, '')
})
