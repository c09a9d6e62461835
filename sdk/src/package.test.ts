import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, sep } from 'node:path'
import { after, test } from 'node:test'

const root = join(import.meta.dirname, '..')
const tsc = join(root, '..', 'node_modules', 'typescript', 'bin', 'tsc')
const work = mkdtempSync(join(tmpdir(), 'latchkey-built-'))
symlinkSync(join(root, '..', 'node_modules'), join(work, 'node_modules'))
writeFileSync(join(work, 'package.json'), '{"type":"module"}')
after(() => rmSync(work, { recursive: true }))

const sources = globSync('src/**/*.ts', { cwd: root })
  .map((path) => relative('src', path).split(sep).join('/'))
  .filter((path) => !/\.(test|contract|fixture)\.ts$/.test(path))

/** What an example of the documentation may take as given, each name as an earlier one has it. */
const known = [
  ...Object.entries({
    '': 'createAuth discover endpoints keySealer openaiOptions registerClient transactionCookies',
    '/node': 'fileStore keepAliveFetch keychainSealer',
    '/redis': 'ioredisClient redisStore',
    '/testing': 'FakeProvider FaultProxy',
  }).flatMap(([entry, names]) =>
    names
      .split(' ')
      .map((name) => `declare const ${name}: typeof import('./sdk${entry}/index.js').${name}`),
  ),
  "declare const auth: import('./sdk/index.js').Auth",
  "declare const account: import('./sdk/index.js').Account",
  "declare const provider: import('./sdk/testing/index.js').FakeProvider",
  'declare const redis: Parameters<typeof ioredisClient>[0]',
  'declare const code: string, callbackUrl: string, signal: AbortSignal',
  'declare const key32: Uint8Array<ArrayBuffer>',
  "declare const assert: typeof import('node:assert/strict')",
].join('\n')

test('the core imports nothing of Node', () => {
  for (const path of sources) {
    if (path.startsWith('node/') || path.startsWith('testing/') || path === 'vault/token.ts')
      continue
    const text = readFileSync(join(root, 'src', path), 'utf8')
    for (const [, from] of text.matchAll(/(?:from|import\()\s*'([^']+)'/g))
      assert.ok(
        from === 'oauth4webapi' ||
          (path.startsWith('kms/') && from === '@aws-sdk/client-kms') || // loaded when first used
          (from?.startsWith('.') && !/\/(node|testing)\//.test(from)),
        `${path} imports ${from}`,
      )
    assert.ok(
      !/\b(process\.(env|pid|cwd|platform|on)|Buffer\.|__dirname)\b/.test(text),
      `${path} uses a Node global`,
    )
  }
})

test('what is published compiles, imports without side effects, and decorates', () => {
  const run = (...args: string[]) =>
    execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8', stdio: 'pipe' })
  run(tsc, '-p', 'tsconfig.json')
  run(tsc, '-p', 'tsconfig.build.json', '--outDir', work)
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const { './package.json': _, ...entries } = exports
  for (const entry of Object.values(entries) as { types: string; default: string }[])
    for (const file of [entry.types, entry.default])
      assert.ok(readFileSync(join(work, relative('dist', file))).length > 0)
  // Optional peers are loaded when first used: without them, everything else still imports.
  for (const path of sources) {
    const built = readFileSync(join(work, path.replace(/ts$/, 'js')), 'utf8')
    assert.ok(!/^\s*(import|export) [^(]*from '(@aws-sdk|undici)/m.test(built), path)
  }

  // Node does not run decorators, and strips nothing below node_modules: as users do, compile.
  writeFileSync(
    join(work, 'user.mts'),
    `import { createAuth, endpoints } from './index.js'
const auth = createAuth({
  provider: endpoints({ token: 'https://id.test/token' }),
  clientId: 'app',
  clientSecret: 's',
  fetch: async () => Response.json({ access_token: 'at-1', token_type: 'bearer', expires_in: 60 }),
})
const account = auth.app()
class Service {
  greeting = 'hello'
  @account.withFreshToken
  async ask(name: string, token?: string): Promise<string> {
    return \`\${this.greeting} \${name} with \${token}\`
  }
}
console.log(await new Service().ask('you'))
// @ts-expect-error the parameters are still checked
void (() => new Service().ask(1))
`,
  )
  const flags = ['--module', 'nodenext', '--target', 'es2022', '--strict', '--skipLibCheck']
  run(tsc, '--ignoreConfig', ...flags, '--types', 'node', join(work, 'user.mts'))
  assert.equal(run(join(work, 'user.mjs')), 'hello you with at-1\n')

  // A strict app that has none of the optional peers still compiles, libraries checked.
  const bare = mkdtempSync(join(tmpdir(), 'latchkey-bare-'))
  after(() => rmSync(bare, { recursive: true }))
  cpSync(work, join(bare, 'sdk'), {
    recursive: true,
    filter: (path) => path !== join(work, 'node_modules'),
  })
  mkdirSync(join(bare, 'node_modules', '@types'), { recursive: true })
  for (const name of ['oauth4webapi', '@types/node', 'undici-types'])
    symlinkSync(join(root, '..', 'node_modules', name), join(bare, 'node_modules', name))
  writeFileSync(
    join(bare, 'app.mts'),
    `import { createAuth, endpoints } from './sdk/index.js'
import { fileStore, keepAliveFetch } from './sdk/node/index.js'
import { kmsSealer } from './sdk/kms/index.js'
export const auth = createAuth({
  provider: endpoints({ token: 'https://id.test/token' }),
  clientId: 'app',
  clientSecret: process.env.CLIENT_SECRET,
  store: fileStore({ app: 'my-app', sealer: kmsSealer({ keyId: 'alias/x' }) }),
  fetch: keepAliveFetch(),
})
`,
  )
  const strict = [...flags.slice(0, -1), '--exactOptionalPropertyTypes', '--noEmit']
  const lib = ['--lib', 'es2023,dom,esnext.disposable']
  run(tsc, '--ignoreConfig', ...strict, ...lib, '--types', 'node', join(bare, 'app.mts'))

  // So do the examples of the documentation, each by itself.
  symlinkSync(join(root, '..', 'node_modules', 'openai'), join(bare, 'node_modules', 'openai'))
  const docs = readFileSync(join(root, '..', 'docs', 'sdk.md'), 'utf8')
  const examples = [...docs.matchAll(/```ts\n(.*?)```/gs)].map(([, code = ''], number) => {
    const file = join(bare, `example-${number}.mts`)
    const here = code.replace(
      /'@latchkey\/sdk(\/\w+)?'/g,
      (_, entry = '') => `'./sdk${entry}/index.js'`,
    )
    writeFileSync(file, `${here}\nexport {}\n`)
    return file
  })
  assert.ok(examples.length > 10, `${examples.length} examples`)
  writeFileSync(join(bare, 'known.d.ts'), known)
  const libs = ['--skipLibCheck', ...lib]
  run(
    tsc,
    '--ignoreConfig',
    ...strict,
    ...libs,
    '--types',
    'node',
    ...examples,
    join(bare, 'known.d.ts'),
  )

  // Importing may not reach out: no handle is open, nothing keeps the process.
  writeFileSync(
    join(work, 'quiet.mjs'),
    `import fs from 'node:fs'; import net from 'node:net'
const touched = []
for (const name of ['mkdirSync', 'writeFileSync', 'mkdir', 'open']) {
  const real = fs[name]; fs[name] = (...args) => { touched.push(name); return real(...args) }
}
net.Socket.prototype.connect = () => touched.push('connect')
globalThis.fetch = () => touched.push('fetch')
const modules = await Promise.all([import('./index.js'), import('./node/index.js'), import('./redis/index.js'), import('./browser/index.js'), import('./kms/index.js'), import('./vault/index.js'), import('./testing/index.js')])
console.log(touched.length, process.getActiveResourcesInfo().filter((one) => /Timeout|Socket|TCP/.test(one)).length, modules.length)
`,
  )
  assert.equal(run(join(work, 'quiet.mjs')), '0 0 7\n')
})
