import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startServer } from '../../../../test/harness/server.ts'

test('the API describes itself, as OpenAPI and as a page', async () => {
  await using server = await startServer()
  const response = await fetch(`${server.origin}/api/openapi.json`)
  assert.equal(response.status, 200)
  const document = (await response.json()) as { openapi: string; paths: Record<string, object> }
  assert.equal(document.openapi, '3.1.0')
  for (const path of ['/api/accounts', '/api/cases/{id}/appeal', '/api/help/{slug}'])
    assert.ok(path in document.paths, path)
  const page = await fetch(`${server.origin}/api/docs`)
  assert.match(page.headers.get('content-type') ?? '', /text\/html/)
  assert.match(await page.text(), /<code>\/api\/cases\/\{id\}\/appeal<\/code>/)
})
