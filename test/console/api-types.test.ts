import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { currentDocument, schemaFile, schemaText, typeText } from '../../scripts/api-types.ts'

test('the console compiles against what the server accepts and answers today', async () => {
  const current = schemaText(await currentDocument())
  const checkedIn = await readFile(schemaFile, 'utf8')
  assert.ok(checkedIn === current, 'console/src/api/schema.ts is old: run `npm run api-types`')
})

test('schemas become types, and what cannot be said becomes unknown', () => {
  assert.equal(typeText({ type: 'array', items: { enum: ['a', 'b'] } }), '("a" | "b")[]')
  assert.equal(typeText({ anyOf: [{ type: 'string' }, { type: 'null' }] }), 'string | null')
  assert.equal(typeText({ type: ['integer', 'null'] }), 'number | null')
  assert.equal(typeText({ $ref: '#/components/schemas/OAuthApp' }), 'OAuthApp')
  assert.equal(typeText({}), 'unknown')
  assert.equal(
    typeText({ type: 'object', properties: { a: {}, 'b-c': {} }, required: ['a'] }),
    '{ a: unknown; "b-c"?: unknown | undefined }',
  )
})
