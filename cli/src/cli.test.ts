import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync } from 'node:fs'
import { test } from 'node:test'
import { operatorRoles } from '../../server/src/platform/http/access.ts'
import { cliPath, openTerminal } from '../../test/harness/cli.ts'
import { commands, serverCommands } from './commands.ts'
import { en } from './messages/en.ts'
import { localeOf } from './messages/locale.ts'
import { zh } from './messages/zh.ts'
import { plain } from './terminal/terminal.ts'

test('every command has help in both languages, and the table names every command of the server', async () => {
  await using terminal = await openTerminal()
  for (const locale of ['en', 'zh']) {
    const overview = await terminal.run(['--locale', locale, '--help'])
    assert.equal(overview.code, 0)
    for (const name of Object.keys(commands))
      assert.match(overview.out, new RegExp(`^ {2}${name} `, 'm'))
  }
  for (const [name, command] of Object.entries(commands)) {
    assert.notEqual(command.text(zh).summary, command.text(en).summary, name)
    assert.match(command.text(zh).summary, /\p{Script=Han}/u)
    assert.equal(command.text(zh).help === undefined, command.text(en).help === undefined)
    // What an option is called stands in the help, in either language.
    for (const option of command.text(en).help?.match(/--[a-z][\w-]+/g) ?? [])
      assert.ok(command.text(zh).help?.includes(option), `${name} ${option}`)
  }
  assert.deepEqual(
    Object.keys(commands).filter((name) => serverCommands.includes(name)),
    serverCommands,
  )
  assert.ok(commands['operator create']?.usage.includes(operatorRoles.join('|')))
  const help = await terminal.run(['token', '--help'])
  assert.equal(help.code, 0)
  assert.match(help.out, /^latchkey token \[--account NAME\]/)
  assert.equal((await terminal.run(['help', 'token'])).out, help.out)
})

test('wrong usage is exit code 2, says what is wrong, and never repeats a value', async () => {
  await using terminal = await openTerminal()
  const secret = 'hunter2-very-secret'
  for (const args of [
    [],
    ['frobnicate'],
    ['token', '--colour'],
    ['token', `--colour=${secret}`],
    ['token', secret],
    ['login', '--client-secret', secret],
    ['login', `--token=${secret}`],
    ['login', '--device', '--browser'],
    ['login', '--port', 'http'],
    ['logout', '--all', '--account', 'x'],
    ['completion', 'powershell'],
    ['whoami', '--account'],
    ['whoami', '--locale', 'fr'],
    ['whoami', '--', 'x'],
  ]) {
    const ran = await terminal.run(args)
    assert.equal(ran.code, 2, `${args.join(' ')}: ${ran.err}`)
    assert.ok(!(ran.out + ran.err).includes(secret), args.join(' '))
  }
})

test('an output that cannot be written is exit code 1 and one line', {
  skip: !existsSync('/dev/full'),
}, () => {
  const full = openSync('/dev/full', 'w')
  const ran = spawnSync(process.execPath, [cliPath, '--version'], {
    stdio: ['ignore', full, 'pipe'],
    encoding: 'utf8',
  })
  closeSync(full)
  assert.equal(ran.status, 1)
  assert.match(ran.stderr, /^latchkey: .*no space left.*\n$/)
})

test('a program without the two dashes before it is told where they go', async () => {
  await using terminal = await openTerminal()
  const ran = await terminal.run(['exec', 'python', 'app.py'])
  assert.equal(ran.code, 2)
  assert.match(ran.err, /latchkey exec -- python app\.py/)
})

test('with --json errors are one document on stdout and nothing else', async () => {
  await using terminal = await openTerminal()
  for (const args of [
    ['whoami', '--json'],
    ['--json', 'whoami'],
  ]) {
    const ran = await terminal.run(args)
    assert.equal(ran.code, 3)
    assert.equal(ran.err, '')
    assert.deepEqual(JSON.parse(ran.out), {
      error: {
        code: 'sign_in_required',
        message: 'Nobody is signed in here.',
        next: 'Run: latchkey login',
        help: null,
        retry_at: null,
        exit_code: 3,
      },
    })
  }
})

test('the language follows the environment as POSIX says, and --locale over it', async () => {
  const of = (env: NodeJS.ProcessEnv) => localeOf(env)
  assert.equal(of({}), 'en')
  assert.equal(of({ LANG: 'zh_CN.UTF-8' }), 'zh')
  assert.equal(of({ LANG: 'zh_CN.UTF-8', LC_ALL: 'C' }), 'en')
  assert.equal(of({ LANG: 'de_DE', LC_MESSAGES: 'zh_TW' }), 'zh')
  await using terminal = await openTerminal({ LANG: 'zh_CN.UTF-8' })
  assert.match((await terminal.run(['whoami'])).err, /本机没有人登录/)
  assert.match((await terminal.run(['whoami', '--locale', 'en'])).err, /Nobody is signed in/)
})

test('text from elsewhere cannot steer the terminal', () => {
  assert.equal(plain('a\u001b[2Jb\u0007\r\nc\u202ed'), 'abcd')
  assert.equal(plain('登录 é 🎉'), '登录 é 🎉')
})
