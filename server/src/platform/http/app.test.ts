import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startServer } from '../../../../test/harness/server.ts'

test('the server comes up on an empty folder', async () => {
  await using server = await startServer()
  assert.equal((await fetch(`${server.origin}/nothing`)).status, 404)
})
