import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createContext, runInContext } from 'node:vm'
import { build } from 'vite'

const root = join(import.meta.dirname, '..')
const modules = join(root, '..', 'node_modules')
const work = realpathSync(mkdtempSync(join(tmpdir(), 'latchkey-sdk-packed-')))
after(() => rmSync(work, { recursive: true, force: true }))

const npm = (cwd: string, ...args: string[]) =>
  execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
const node = (...args: string[]) =>
  execFileSync(process.execPath, args, { cwd: work, encoding: 'utf8', stdio: 'pipe' })
const put = (name: string, text: string) => writeFileSync(join(work, name), text)

type Packed = { filename: string; files: { path: string }[] }
const pack = (folder: string): Packed =>
  JSON.parse(
    npm(folder, 'pack', '--json', '--pack-destination', work).replace(/^[^[]*(?=\[\s*\{)/, ''),
  )[0]
let packed: Packed

// The way of people, without their network: the one dependency comes from where ours lies.
before(() => {
  packed = pack(root)
  const dependency = pack(join(modules, 'oauth4webapi'))
  put('package.json', '{"private":true,"type":"module"}')
  const tarballs = [packed, dependency].map(({ filename }) => join(work, filename))
  npm(work, 'install', '--offline', '--no-audit', '--no-fund', ...tarballs)
})

const entries = ['', '/node', '/browser', '/redis', '/kms', '/vault', '/testing']
const portable = ['', '/browser', '/redis']

test('the package holds JavaScript, types and papers, and brings one other package along', () => {
  for (const { path } of packed.files)
    assert.match(
      path,
      /^(dist\/[\w./-]+(?<!\.(test|fixture|contract))\.(js|d\.ts)|dist\/LICENSE|README\.md|package\.json)$/,
    )
  const installed = readdirSync(join(work, 'node_modules')).filter((name) => !name.startsWith('.'))
  assert.deepEqual(installed.sort(), ['@latchkey', 'oauth4webapi'])
  const { private: kept, exports } = JSON.parse(
    readFileSync(join(work, 'node_modules/@latchkey/sdk/package.json'), 'utf8'),
  )
  assert.equal(kept, undefined, 'it can be published')
  assert.deepEqual(
    Object.keys(exports).filter((name) => name !== './package.json'),
    entries.map((entry) => `.${entry}`),
  )
})

test('an app of an empty folder signs in, and the next process is signed in by the file', () => {
  put(
    'app.js',
    `import { createAuth, discover } from '@latchkey/sdk'
import { fileStore } from '@latchkey/sdk/node'
import { FakeProvider } from '@latchkey/sdk/testing'
const provider = new FakeProvider()
const auth = createAuth({
  provider: discover(provider.issuer), clientId: 'app', fetch: provider.fetch,
  store: fileStore({ dir: 'state' }),
})
if (process.argv[2] === 'sign-in') await auth.signInByCode(provider.code())
console.log(await auth.account().token())
`,
  )
  const token = node('app.js', 'sign-in')
  assert.match(token, /^at-\w+\n$/)
  assert.equal(node('app.js'), token)
  put('old.cjs', `console.log(Object.keys(require('@latchkey/sdk')).includes('createAuth'))`)
  assert.equal(node('old.cjs'), 'true\n', 'CommonJS can have it, too')
})

test('its types resolve as Node and as bundlers look for them, libraries checked, and fit its README', () => {
  const tsc = join(modules, 'typescript', 'bin', 'tsc')
  mkdirSync(join(work, 'node_modules/@types'))
  for (const name of ['@types/node', 'undici-types'])
    symlinkSync(join(modules, name), join(work, 'node_modules', name))
  const uses = (list: readonly string[]) =>
    list.map((entry, i) => `export * as n${i} from '@latchkey/sdk${entry}'\n`).join('')
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  const wrong = `import { createAuth } from '@latchkey/sdk'
// @ts-expect-error the types are there, not any
createAuth({ clientId: 1 })
`
  put('node.mts', uses(entries) + wrong)
  put('web.ts', uses(portable) + wrong)
  put('readme.mts', /```ts\n([^`]+(?:`[^`]*`[^`]+)*)```/.exec(readme)?.[1] ?? 'none')
  const check = (files: string[], ...flags: string[]) =>
    node(tsc, '--ignoreConfig', '--noEmit', '--strict', '--target', 'es2023', ...flags, ...files)
  const nodes = ['--types', 'node', '--lib', 'es2023,dom,esnext.disposable']
  const nodenext = ['--module', 'nodenext', '--moduleResolution', 'nodenext']
  check(['node.mts', 'readme.mts'], ...nodenext, ...nodes)
  const web = ['--types', '', '--lib', 'es2023,dom,dom.iterable']
  check(['web.ts'], '--module', 'esnext', '--moduleResolution', 'bundler', ...web)
})

test('bundled for browsers it holds nothing of Node, and runs where only the web’s globals are', async () => {
  put(
    'page.js',
    `${portable.map((entry, i) => `import * as n${i} from '@latchkey/sdk${entry}'\n`).join('')}
export const names = [${portable.map((_, i) => `n${i}`).join()}].map((one) => Object.keys(one).length)
export const signIn = async (fetch) => {
  const auth = n0.createAuth({
    provider: n0.endpoints({ token: 'https://id.test/token' }), clientId: 'app', fetch,
  })
  const account = await auth.signInByCode('code')
  return [await account.token(), account.peek()]
}
`,
  )
  const warnings: string[] = []
  const result = await build({
    root: work,
    configFile: false,
    logLevel: 'silent',
    build: {
      write: false,
      minify: false,
      lib: { entry: join(work, 'page.js'), formats: ['iife'], name: 'page' },
      rolldownOptions: { onwarn: ({ message }) => void warnings.push(message) },
    },
  })
  const [bundle] = Array.isArray(result) ? result : []
  assert.ok(bundle && bundle.output.length === 1, 'one piece, nothing loaded later')
  const { code } = bundle.output[0]
  const found = /["'`]node:|__vite-browser-external|\brequire\(|\bBuffer\.|\bprocess\.\w/.exec(code)
  assert.equal(found && code.slice(found.index - 80, found.index + 80), null)
  assert.deepEqual(warnings, [])
  const web = { crypto, fetch, Headers, Request, Response, URL, URLSearchParams, AbortController }
  const more = { AbortSignal, DOMException, TextEncoder, TextDecoder, setTimeout, clearTimeout }
  const page = createContext({ ...web, ...more, performance, btoa, atob, console })
  runInContext(code, page)
  page.answer = async () =>
    Response.json({ access_token: 'at-1', token_type: 'bearer', expires_in: 60 })
  const answered = await runInContext('page.signIn(answer)', page)
  assert.equal(answered.join(), 'at-1,at-1')
  assert.ok(runInContext('page.names', page).every((count: number) => count > 0))
})
