import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { after, before, test } from 'node:test'
import { cliPath } from '../../../test/harness/cli.ts'
import { without } from '../../../test/harness/debian.ts'
import { type AccountEntry, openBook } from '../accounts/book.ts'
import { commands } from '../commands.ts'

const home = mkdtempSync(join(tmpdir(), 'latchkey-completion-'))
after(() => rmSync(home, { recursive: true, force: true }))
const env = {
  ...process.env,
  PATH: `${join(home, 'bin')}${delimiter}${process.env.PATH}`,
  HOME: home,
  LATCHKEY_CLI_DIR: join(home, 'state'),
}

before(async () => {
  mkdirSync(join(home, 'bin'))
  const start = `#!/bin/sh\nexec '${process.execPath}' '${cliPath}' "$@"\n`
  writeFileSync(join(home, 'bin', 'latchkey'), start, { mode: 0o755 })
  writeFileSync(join(home, 'bin', 'their-tool'), '#!/bin/sh\n', { mode: 0o755 })
  writeFileSync(join(home, 'two words.txt'), '')
  const entry: AccountEntry = {
    issuer: 'https://id.example.org',
    clientId: 'app',
    kind: 'person',
    selfRegistered: false,
    secret: null,
    scopes: [],
    baseUrl: null,
    helpBase: null,
    subject: null,
    email: null,
    name: null,
    signedInAt: 0,
  }
  await openBook(env.LATCHKEY_CLI_DIR).change((book) => {
    book.accounts['ada@example.com'] = entry
    book.accounts['two words'] = entry
  })
})

/** What each shell says to a line: all offers, in any order; `some`: these among others. */
const lines: Record<string, { all: string[] } | { some: string[] }> = {
  'latchkey log': { all: ['login', 'logout'] },
  'latchkey operator ': { all: ['create'] },
  'latchkey operator create --em': { all: ['--email'] },
  'latchkey token --min': { all: ['--min-life'] },
  'latchkey login --cl': { all: ['--client-id', '--client-credentials'] },
  'latchkey completion z': { all: ['zsh'] },
  'latchkey token --account a': { all: ['ada@example.com'] },
  'latchkey whoami --account ': { all: ['ada@example.com', 'two words'] },
  'latchkey use ': { all: ['ada@example.com', 'two words'] },
  'latchkey use --js': { all: ['--json'] },
  'latchkey scan tw': { all: ['two words.txt'] },
  'latchkey scan --tr': { all: ['--tracked'] },
  'latchkey exec -- their-t': { all: ['their-tool'] },
  'latchkey nonsense --': { all: [] },
  'latchkey ': { some: Object.keys(commands).flatMap((name) => name.split(' ')[0] ?? []) },
  ...Object.fromEntries(
    Object.entries(commands).map(([name, { options }]) => [
      `latchkey ${name} --`,
      { some: Object.keys(options).map((option) => `--${option}`) },
    ]),
  ),
}

function judge(shell: string, offers: readonly string[][]): void {
  for (const [i, [line, wanted]] of Object.entries(lines).entries()) {
    const offered = [...new Set(offers[i])].map((one) => one.replaceAll('\\', '')).sort()
    if ('all' in wanted) assert.deepEqual(offered, wanted.all.sort(), `${shell}: ${line}`)
    else for (const one of wanted.some) assert.ok(offered.includes(one), `${shell}: ${line}${one}`)
  }
}

const run = (program: string, args: readonly string[]) =>
  execFileSync(program, args, { encoding: 'utf8', env, cwd: home, stdio: ['pipe', 'pipe', 'pipe'] })

/** One list of offers a line; `== end` closes each. */
const answers = (out: string): string[][] =>
  out
    .split('== end\n')
    .slice(0, -1)
    .map((one) => one.split('\n').filter((offer) => offer && !offer.startsWith('== ')))

test('bash completes commands, options, accounts, files, and the program behind exec', () => {
  const script = `set -u; source <(latchkey completion bash); complete -p latchkey >&2
for line; do
  read -ra COMP_WORDS <<< "$line"; [[ $line == *' ' ]] && COMP_WORDS+=('')
  COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); COMPREPLY=(); _latchkey
  ((\${#COMPREPLY[@]})) && printf '%s\\n' "\${COMPREPLY[@]}"
  echo '== end'
done`
  judge('bash', answers(run('bash', ['--norc', '-c', script, 'bash', ...Object.keys(lines)])))
})

const skip = without('shells')

test('zsh completes the same, sourced behind compinit and as a file in the fpath', { skip }, () => {
  const fixture = join(import.meta.dirname, 'zsh-offers.fixture.zsh')
  const begin = 'autoload -Uz compinit; compinit -D -u'
  const offers = (load: string, asked: readonly string[]) =>
    answers(run('zsh', ['-f', fixture, load, ...asked]))
  judge('zsh', offers(`${begin}; source <(latchkey completion zsh)`, Object.keys(lines)))
  mkdirSync(join(home, 'functions'))
  writeFileSync(join(home, 'functions', '_latchkey'), run('latchkey', ['completion', 'zsh']))
  const autoloaded = offers(`fpath=(${join(home, 'functions')} $fpath); ${begin}`, [
    'latchkey log',
    'latchkey token --min',
  ])
  assert.deepEqual(autoloaded, [['login', 'logout'], ['--min-life']])
})

test('fish completes the same', { skip }, () => {
  const script = `latchkey completion fish | source
for line in $argv; complete -C $line | string replace -r '\\t.*' ''; echo '== end'; end`
  judge('fish', answers(run('fish', ['--no-config', '-c', script, ...Object.keys(lines)])))
})

test('descriptions are in the language of the shell', { skip }, () => {
  const script = `latchkey completion fish --locale zh | source; complete -C 'latchkey doc'`
  assert.match(run('fish', ['--no-config', '-c', script]), /^doctor\t.*\p{Script=Han}/u)
})
