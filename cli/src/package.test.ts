import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { authorize } from '../../test/harness/oauth-browser.ts'
import { signedUp } from '../../test/harness/person.ts'
import { startProcess } from '../../test/harness/process.ts'
import { startServer } from '../../test/harness/server.ts'

const root = join(import.meta.dirname, '..')
const work = mkdtempSync(join(tmpdir(), 'latchkey-package-'))
after(() => rmSync(work, { recursive: true, force: true }))

const npm = (args: string[]) =>
  execFileSync('npm', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

test('what people install signs in, needs no other package, and says where the server is', async () => {
  const [packed] = JSON.parse(
    npm(['pack', '--json', '--pack-destination', work]).replace(/^[^[]*/, ''),
  ) as [{ filename: string; files: { path: string }[] }]
  npm([
    'install',
    '--offline',
    '--no-audit',
    '--no-fund',
    '--prefix',
    work,
    join(work, packed.filename),
  ])
  const modules = join(work, 'node_modules')
  assert.deepEqual(readdirSync(join(modules, '@latchkey')), ['cli'])
  const home = join(modules, '@latchkey', 'cli')
  for (const { path } of packed.files) {
    assert.match(
      path,
      /^(bin\/latchkey\.mjs|README\.md|dist\/[\w.-]+\.(js|md)|dist\/LICENSE|package\.json)$/,
    )
    const text = readFileSync(join(home, path), 'utf8')
    assert.ok(!/\.\.\/server\/|fastify|kysely/.test(text), `${path} reaches for the server`)
  }

  const bin = join(home, 'bin', 'latchkey.mjs')
  const env = { LATCHKEY_CLI_DIR: join(work, 'state'), LATCHKEY_CLI_KEYCHAIN: 'off' }
  const run = async (args: string[]) => {
    const running = startProcess(bin, args, env)
    const { code } = await running.ended
    return { code, out: running.out(), err: running.err() }
  }
  const serve = await run(['serve'])
  assert.equal(serve.code, 2)
  assert.match(serve.err, /belongs to the Latchkey server/)
  assert.ok(!(await run(['--help'])).out.includes('migrate '))
  assert.equal((await run(['doctor', '--server'])).code, 2)

  await using server = await startServer()
  const running = startProcess(
    bin,
    ['login', '--browser', '--no-open', '--issuer', server.origin],
    env,
  )
  await running.saw('/oauth/authorize?', 'err')
  const link = /https?:\/\/\S+\/oauth\/authorize\?\S+/.exec(running.err())?.[0] ?? ''
  const { person } = await signedUp(server.origin)
  await (await fetch(await authorize(person, link))).text()
  assert.equal((await running.ended).code, 0, running.err())
  assert.match((await run(['token'])).out, /^ey/)
  assert.equal((await run(['doctor'])).code, 0)
  const exec = await run(['exec', '--', 'sh', '-c', 'echo $OPENAI_BASE_URL'])
  assert.match(exec.out, /^http:\/\/127\.0\.0\.1:\d+\/v1\n$/)
  assert.equal((await run(['logout', '--all'])).code, 0)
})
