import assert from 'node:assert/strict'
import { test } from 'node:test'
import { beginLogin, finishLogin, openTerminal } from '../../../test/harness/cli.ts'
import { signedUp } from '../../../test/harness/person.ts'
import { startServer, type TestServer } from '../../../test/harness/server.ts'

type Who = { account: string; issuer: string; client_id: string; state: string }

const taken = async ({ origin }: TestServer, token: string) =>
  (await fetch(`${origin}/v1/models`, { headers: { authorization: `Bearer ${token}` } })).status

test('accounts of several issuers live side by side, and no token meets another issuer’s API', async () => {
  await using home = await startServer()
  await using work = await startServer()
  await using terminal = await openTerminal()
  for (const { origin } of [home, work]) {
    const { person } = await signedUp(origin)
    const name = origin === home.origin ? 'at-home' : 'at-work'
    const ran = await finishLogin(await beginLogin(terminal, origin, ['--account', name]), person)
    assert.equal(ran.code, 0, ran.err)
  }
  const at = (issuer: string) => terminal.json<Who>(0, ['whoami', '--issuer', issuer])
  const [mine, theirs] = [await at(home.origin), await at(work.origin)]
  assert.deepEqual([mine.account, theirs.account], ['at-home', 'at-work'])
  assert.notEqual(mine.client_id, theirs.client_id, 'each knows this command line on its own')
  assert.equal((await terminal.json<Who>(0, ['whoami'])).account, 'at-work', 'the last one')
  const env = { LATCHKEY_ISSUER: home.origin }
  assert.equal((await terminal.json<Who>(0, ['whoami'], env)).account, 'at-home')

  const token = (await terminal.run(['token', '--issuer', home.origin])).out.trim()
  assert.deepEqual([await taken(home, token), await taken(work, token)], [200, 401])
  const base = await terminal.run([
    'exec',
    '--issuer',
    home.origin,
    '--',
    'sh',
    '-c',
    'echo $OPENAI_BASE_URL',
  ])
  assert.equal(base.code, 0)

  const crossed = ['token', '--account', 'at-home', '--issuer', work.origin]
  assert.equal((await terminal.run(crossed)).code, 3, 'a name and an issuer that do not fit')
  assert.equal(
    (
      await terminal.json<Who>(0, ['whoami', '--issuer', work.origin], {
        LATCHKEY_ACCOUNT: 'at-home',
      })
    ).account,
    'at-work',
    'what is typed goes before what the environment says',
  )
  const third = await terminal.run(['token', '--issuer', 'https://id.example.org'])
  assert.equal(third.code, 3)
  assert.match(third.err, /Run: latchkey login --issuer https:\/\/id\.example\.org/)

  assert.equal((await terminal.run(['logout', '--issuer', work.origin])).code, 0)
  assert.equal((await terminal.run(['token', '--issuer', work.origin])).code, 3)
  assert.equal(await taken(home, (await terminal.run(['token'])).out.trim()), 200)
})
