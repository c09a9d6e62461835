import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { askWithProof, type KeyHolder, keyHolder } from '../../test/harness/dpop.ts'
import { notesServer } from '../../test/harness/mcp.ts'
import { authorize, registerApp } from '../../test/harness/oauth-browser.ts'
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

test('a token that is bound to a key is let in with a fresh proof by that key, and with nothing less', async () => {
  await using notes = await notesServer()
  await using server = await startServer({
    env: { LATCHKEY_RESOURCES: JSON.stringify([notes.setting]) },
  })
  await notes.start(server.origin)
  const { resource } = notes
  const { person } = await signedUp(server.origin)
  const program = { redirect_uris: [], grant_types: ['client_credentials'] }
  const app = await registerApp(person, program)
  const form = {
    grant_type: 'client_credentials',
    client_id: app.client_id,
    client_secret: app.client_secret ?? '',
    resource,
    scope: 'notes:read',
  }
  const posted = { token_endpoint_auth_method: 'client_secret_post' }
  await person.expect(200, 'PATCH', `/api/apps/${app.client_id}`, posted)
  const [holder, thief] = [keyHolder(), keyHolder()]
  const token = (await askWithProof(server.origin, holder, form)).access_token
  const other = (await askWithProof(server.origin, holder, form)).access_token
  const unbound = (await askWithProof(server.origin, null, form)).access_token

  const call = async (authorization: string, dpop?: string, tool = 'list_notes') => {
    const answer = await fetch(resource, {
      method: 'POST',
      headers: {
        authorization,
        accept: 'application/json, text/event-stream',
        'content-type': 'application/json',
        ...(dpop ? { dpop } : {}),
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name: tool, arguments: { text: 'x' } },
      }),
    })
    const [scheme, error] =
      /^(\w+) .*?error="(\w+)"/.exec(answer.headers.get('www-authenticate') ?? '')?.slice(1) ?? []
    await answer.arrayBuffer()
    return [answer.status, scheme, error].filter(Boolean).join(' ')
  }
  const prove = (more: Parameters<KeyHolder['prove']>[2] = {}, by = holder) =>
    by.prove('POST', resource, { token, ...more })

  const good = prove()
  assert.equal(await call(`DPoP ${token}`, good), '200')
  assert.equal(await call(`DPoP ${token}`, prove()), '200', 'each call with its own')
  assert.equal(await call(`Bearer ${token}`), '401 DPoP invalid_token', 'the thief’s way')
  assert.equal(await call(`Bearer ${token}`, prove()), '401 DPoP invalid_token')
  const wrong: Record<string, string | undefined> = {
    'no proof': undefined,
    'the same proof again': good,
    'by another key, with that one inside': prove({
      key: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
    }),
    'for another token': holder.prove('POST', resource, { token: other }),
    'for no token': holder.prove('POST', resource),
    'for another method': holder.prove('GET', resource, { token }),
    'for another address': holder.prove('POST', `${resource}/x`, { token }),
    'of an hour ago': prove({ at: Date.now() - 3_600_000 }),
    'of another kind': prove({ header: { typ: 'JWT' } }),
    'without a name': prove({ claims: { jti: undefined } }),
  }
  for (const [what, proof] of Object.entries(wrong))
    assert.equal(await call(`DPoP ${token}`, proof), '401 DPoP invalid_dpop_proof', what)
  assert.equal(await call(`DPoP ${token}`, prove({}, thief)), '401 DPoP invalid_token', 'another’s')
  assert.equal(await call(`DPoP ${unbound}`, prove({ token: unbound })), '401 DPoP invalid_token')
  assert.equal(await call(`Bearer ${unbound}`), '200')
  assert.equal(await call(`DPoP ${token}`, prove(), 'add_note'), '403 DPoP insufficient_scope')
  assert.equal(
    await call(`Bearer ${unbound}`, undefined, 'add_note'),
    '403 Bearer insufficient_scope',
  )
})
