import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { authorize } from '../../test/harness/oauth-browser.ts'
import { signedUp } from '../../test/harness/person.ts'
import { freePort, startServer } from '../../test/harness/server.ts'

const run = (file: string, args: string[], env: Record<string, string> = {}) =>
  spawn(process.execPath, [join(import.meta.dirname, file), ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
const lines = (child: ChildProcess) => createInterface(child.stdout ?? process.stdin)

test('the example names the versions that are tested here', () => {
  const read = (path: string) =>
    JSON.parse(readFileSync(join(import.meta.dirname, path), 'utf8')) as Record<string, object>
  const { devDependencies } = read('../../package.json')
  const { dependencies } = read('../../server/package.json')
  const tested = { ...dependencies, ...devDependencies } as Record<string, string>
  for (const [name, version] of Object.entries(read('package.json').dependencies ?? {}))
    assert.equal(version, tested[name], name)
})

test('the example client signs in to the example server, and again for the tool that takes more', async () => {
  const resource = `http://localhost:${await freePort()}/mcp`
  const listed = readFileSync(join(import.meta.dirname, 'resources.json'), 'utf8')
  await using server = await startServer({
    env: { LATCHKEY_RESOURCES: listed.replace('http://localhost:8787/mcp', resource) },
  })
  const { person } = await signedUp(server.origin)
  const notes = run('server.js', [], { ISSUER: server.origin, RESOURCE: resource })
  try {
    const [ready] = (await once(lines(notes), 'line')) as [string]
    assert.equal(ready, `MCP server: ${resource}`)
    const client = run('client.js', [resource])
    const said: string[] = []
    for await (const line of lines(client)) {
      const url = /^open (.+)$/.exec(line)?.[1]
      said.push(url ? `asks for ${new URL(url).searchParams.get('scope')}` : line)
      if (url) assert.equal((await fetch(await authorize(person, url))).status, 200)
    }
    assert.deepEqual(said, [
      'asks for notes:read',
      'list_notes: No notes yet.',
      'asks for notes:read notes:write',
      'add_note: Kept. You have 1.',
      'list_notes: Buy milk',
    ])
  } finally {
    notes.kill()
    await once(notes, 'exit')
  }
})
