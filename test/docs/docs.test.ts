import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { commands, serverCommands } from '../../cli/src/commands.ts'
import { exitCodes } from '../../cli/src/exit-codes.ts'
import { reference } from '../../scripts/reference.ts'
import { startServer } from '../harness/server.ts'

const root = join(import.meta.dirname, '../..')
const pages = globSync(['*.md', 'docs/**/*.md'], { cwd: root })

test('every setting, route and error code is in docs/reference.md as the code has it', async () => {
  await using server = await startServer()
  const written = readFileSync(join(root, 'docs/reference.md'), 'utf8')
  assert.equal(written, reference(server), 'run: npm run reference')
})

test('every link and picture in the documents leads to a file', () => {
  const broken = pages.flatMap((page) =>
    [...readFileSync(join(root, page), 'utf8').matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target]) => target ?? '')
      .filter((target) => !/^(https?:|#|mailto:)/.test(target))
      .filter((target) => !existsSync(join(root, dirname(page), target.split('#')[0] ?? '')))
      .map((target) => `${page}: ${target}`),
  )
  assert.deepEqual(broken, [])
})

test('every test that docs/security-tests.md names is there under that name', () => {
  const page = readFileSync(join(root, 'docs/security-tests.md'), 'utf8')
  const named = [...page.matchAll(/\[([^\]]+)\]\((\.\.\/[^)]+\.test\.ts)\)/g)]
  assert.ok(named.length > 60, `${named.length} tests are named`)
  const missing = named
    .filter(([, name = '', file = '']) => {
      const source = readFileSync(join(root, 'docs', file), 'utf8').replaceAll("\\'", "'")
      return !source
        .split('\n')
        .some((line) => /\b(test|describe)\(/.test(line) && line.includes(name))
    })
    .map(([, name, file]) => `${file}: ${name}`)
  assert.deepEqual(missing, [])
})

test('the two READMEs show the same commands and pictures', () => {
  const code = (file: string) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(/```[a-z]*\n([\s\S]*?)```/g)].map(
      ([, block]) =>
        (block ?? '').replaceAll(
          /"content":"[^"]*"|content: '[^']*'|"content": "[^"]*"|\/\/.*$/gm,
          '',
        ),
    )
  assert.deepEqual(code('README.zh-CN.md'), code('README.md'))
})

test('the documentation of the SDK shows the same programs in both languages', () => {
  const code = (file: string) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(/```ts\n([\s\S]*?)```/g)].map(
      ([, block]) => block,
    )
  assert.deepEqual(code('docs/sdk.zh-CN.md'), code('docs/sdk.md'))
})

test('every npm script and CLI command the documents name exists', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>
  }
  const named = pages.flatMap((page) =>
    [...readFileSync(join(root, page), 'utf8').matchAll(/npm run ([\w:-]+)/g)].map(
      ([, name]) => name,
    ),
  )
  assert.ok(named.length > 0)
  assert.deepEqual(
    [...new Set(named)].filter((name) => name === undefined || !(name in scripts)),
    [],
  )
  const words = pages.flatMap((page) =>
    [...readFileSync(join(root, page), 'utf8').matchAll(/(?:^|[`(]|npx )latchkey ([a-z]+)/gm)].map(
      ([, word]) => word ?? '',
    ),
  )
  const known = new Set(Object.keys(commands).map((name) => name.split(' ')[0] ?? ''))
  assert.ok(words.length > 10)
  assert.deepEqual(
    words.filter((word) => !known.has(word)),
    [],
  )
})

test('docs/cli.md names every command, option and exit code', () => {
  const page = readFileSync(join(root, 'docs/cli.md'), 'utf8')
  for (const [name, { options, load: _, ...command }] of Object.entries(commands)) {
    if (serverCommands.includes(name)) continue
    assert.ok(page.includes(`\`${name}`), name)
    if (command.rest || name === 'login')
      for (const option of Object.keys(options)) assert.ok(page.includes(`--${option}`), option)
  }
  for (const code of Object.values(exitCodes))
    assert.match(page, new RegExp(`^\\|.*\\b${code}\\b`, 'm'))
})
