import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { test } from 'node:test'

/** Who may knock at whose door. What is missing here is a question, not a habit. */
const mayImport: Record<string, readonly string[]> = {
  audit: [],
  mail: [],
  help: [],
  accounts: ['audit', 'mail'],
  organizations: ['accounts', 'audit'],
  sessions: ['accounts', 'audit', 'mail'],
  oauth: ['accounts', 'organizations', 'sessions', 'audit', 'mail'],
  keys: ['accounts', 'organizations', 'audit', 'oauth'],
  usage: ['organizations', 'keys'],
  billing: ['organizations', 'usage'],
  gateway: ['accounts', 'organizations', 'keys', 'oauth', 'usage', 'billing'],
  operations: ['audit', 'gateway', 'accounts', 'usage'],
  trust: [
    'accounts',
    'sessions',
    'oauth',
    'keys',
    'usage',
    'organizations',
    'gateway',
    'audit',
    'mail',
  ],
  appeals: ['trust', 'accounts', 'audit', 'mail'],
}

const source = join(import.meta.dirname)
const files = globSync('**/*.ts', { cwd: source }).map((path) => join(source, path))
const production = files.filter((path) => !/\.(test|contract)\.ts$/.test(path))

type Import = { from: string; target: string; typeOnly: boolean }

function importsOf(path: string): Import[] {
  const text = readFileSync(path, 'utf8')
  const found: Import[] = []
  const pattern = /^\s*(?:import|export)\s+(type\s)?[^'";]*?from\s+'([^']+)'|import\('([^']+)'\)/gm
  for (const [, type, statically, dynamically] of text.matchAll(pattern)) {
    const specifier = statically ?? dynamically ?? ''
    if (specifier.startsWith('.'))
      found.push({
        from: relative(source, path),
        target: relative(source, join(dirname(path), specifier)),
        typeOnly: type !== undefined,
      })
    else if (specifier.startsWith('#platform/'))
      found.push({
        from: relative(source, path),
        target: specifier.replace('#platform', 'platform'),
        typeOnly: type !== undefined,
      })
  }
  return found
}

const roomOf = (path: string) => (path.includes('/') ? path.split('/')[0] : undefined)
const all = production.flatMap(importsOf)

test('rooms meet only at index.ts, and only those that may', () => {
  const wrong = all
    .filter(({ from, target }) => {
      const here = roomOf(from)
      const there = roomOf(target)
      if (here === undefined || here === there || there === undefined) return false
      if (there === 'platform' || there === '..') return false
      if (target !== `${there}/index.ts`) return true
      return !(mayImport[here] ?? []).includes(there)
    })
    .map(({ from, target }) => `${from} imports ${target}`)
  assert.deepEqual(wrong, [])
})

test('platform knows no room, and only the two entry points import compose.ts', () => {
  const wrong = all
    .filter(
      ({ from, target }) =>
        (from.startsWith('platform/') && !/^(platform\/|\.\.\/)/.test(target)) ||
        (target === 'compose.ts' && !/^(main|tools)\.ts$/.test(from)),
    )
    .map(({ from, target }) => `${from} imports ${target}`)
  assert.deepEqual(wrong, [])
})

/** Files that are allowed to touch what everybody else takes as an argument. */
const exceptions: { what: RegExp; name: string; allowed: RegExp }[] = [
  { what: /\bprocess\.env\b/, name: 'process.env', allowed: /^main\.ts$/ },
  {
    what: /\bDate\.now\(\)|\bnew Date\(\)/,
    name: 'wall time',
    allowed: /^(platform\/clock\/|oauth\/engine\/adapter\.ts$)/, // the engine has a clock of its own
  },
  {
    what: /\bMath\.random\(|\brandomBytes\(|\brandomUUID\(|\brandomInt\(/,
    name: 'randomness',
    allowed: /^platform\/ids\//,
  },
  {
    what: /\bfetch\(|from 'undici'|\bhttps?\.(request|get)\(/,
    name: 'the network outward',
    allowed: /^(platform\/outbound\/|gateway\/upstream\/)/,
  },
  {
    what: /\bsql`|\.(selectFrom|insertInto|updateTable|deleteFrom)\(/,
    name: 'SQL',
    allowed: /(^platform\/db\/|\.sql\.ts$)/,
  },
]

for (const { what, name, allowed } of exceptions)
  test(`${name} is touched in one place`, () => {
    const wrong = production
      .map((path) => relative(source, path))
      .filter((path) => !allowed.test(path))
      .filter((path) =>
        what.test(
          readFileSync(join(source, path), 'utf8').replaceAll(/^\s*(\*|\/\/|\/\*).*$/gm, ''),
        ),
      )
    assert.deepEqual(wrong, [])
  })
