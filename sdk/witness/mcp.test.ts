import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { notesServer } from '../../test/harness/mcp.ts'
import { authorize, callback } from '../../test/harness/oauth-browser.ts'
import { signedUp } from '../../test/harness/person.ts'
import { startServer } from '../../test/harness/server.ts'
import { createAuth, discover, mcpAuthProvider, registerClient } from '../src/index.ts'

test('the MCP SDK’s client works through an account: connects, calls, and goes on after a refusal', async () => {
  await using notes = await notesServer()
  await using server = await startServer({
    env: { LATCHKEY_RESOURCES: JSON.stringify([notes.setting]) },
  })
  await notes.start(server.origin)
  const { person } = await signedUp(server.origin)
  const provider = discover(server.origin)
  const { clientId } = await registerClient(provider, {
    client_name: 'Notes client',
    redirect_uris: [callback],
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
  })
  const auth = createAuth({
    provider,
    clientId,
    scopes: ['notes:read', 'offline_access'],
    resource: notes.resource,
    refresh: { background: false },
  })
  const { url, transaction } = await auth.beginSignIn({ redirectUri: callback })
  const account = await auth.finishSignIn(transaction, await authorize(person, url))

  const sent: (string | null)[] = []
  let refuse = false
  const transport = new StreamableHTTPClientTransport(new URL(notes.resource), {
    authProvider: mcpAuthProvider(account),
    async fetch(input, init) {
      sent.push(new Headers(init?.headers).get('authorization'))
      if (!refuse) return fetch(input, init)
      refuse = false
      return new Response(null, { status: 401 })
    },
  })
  const client = new Client({ name: 'witness', version: '1' })
  await client.connect(transport)
  const call = async () => (await client.callTool({ name: 'list_notes', arguments: {} })).content
  assert.deepEqual(await call(), [{ type: 'text', text: 'No notes yet.' }])
  refuse = true
  assert.deepEqual(await call(), [{ type: 'text', text: 'No notes yet.' }])
  const [refused, renewed] = sent.slice(-2)
  assert.notEqual(renewed, refused)
  assert.equal(renewed, `Bearer ${await account.token()}`)
  await client.close()
  await auth.close()
})
