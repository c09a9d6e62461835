import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, gatewayScene } from '../../../test/harness/gateway.ts'
import { createKey } from '../../../test/harness/journey.ts'
import { completion, sendJson, usage } from '../../../test/harness/model-server.ts'
import { Person, signedUp } from '../../../test/harness/person.ts'
import { csv } from './csv.ts'

test('cells that a spreadsheet would run are made inert', () => {
  assert.equal(
    csv([['=1+1', '+a', '-a', '@a', 'a=b', 'a,"b"', -3]]),
    `'=1+1,'+a,'-a,'@a,a=b,"a,""b""",-3\r\n`,
  )
})

test('usage is seen by the members of the organization and by nobody else', async () => {
  await using scene = await gatewayScene({ key: { name: '=cmd()' } })
  for (let i = 0; i < 3; i++) await scene.client.chat.completions.create(ask)
  const log = await scene.calls(3)
  assert.equal(new Set(log.map((call) => call.request_id)).size, 3)

  const byKey = await scene.person.expect<{ items: object[]; total: object }>(
    200,
    'GET',
    '/api/usage?group=key',
  )
  assert.deepEqual(byKey.items, [
    {
      requests: 3,
      input_tokens: 21,
      cached_input_tokens: 0,
      output_tokens: 9,
      cost_micros: 39,
      key_id: scene.key.id,
      key_name: '=cmd()',
    },
  ])
  const sheet = await scene.person.expect<string>(200, 'GET', '/api/usage.csv')
  assert.match(sheet, /,'=cmd\(\),m1,3,21,0,9,39\r\n$/)

  const stranger = await signedUp(scene.server.origin)
  for (const path of ['/api/usage', '/api/calls', `/api/calls?key_id=${scene.key.id}`]) {
    const seen = await stranger.person.expect<{ items: object[] }>(200, 'GET', path)
    assert.deepEqual(seen.items, [])
  }
  await new Person(scene.server.origin).expect(401, 'GET', '/api/usage')
  for (const bad of ['?group=account', '?from=yesterday', '?cursor=x', '?organization_id=o'])
    await scene.person.expect(
      400,
      'GET',
      `/api/${bad.includes('cursor') ? 'calls' : 'usage'}${bad}`,
    )
})

test('pages of the call log fit together', async () => {
  await using scene = await gatewayScene()
  for (let i = 0; i < 5; i++) await scene.client.chat.completions.create(ask)
  const all = (await scene.calls(5)).map((call) => call.request_id)
  type Page = { items: { request_id: string }[]; next_cursor?: string }
  const seen: string[] = []
  let cursor = ''
  do {
    const page: Page = await scene.person.expect(
      200,
      'GET',
      `/api/calls?limit=2${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
    )
    seen.push(...page.items.map((item) => item.request_id))
    cursor = page.next_cursor ?? ''
  } while (cursor)
  assert.deepEqual(seen, all)
})

test('a reported zero stays zero, and what nobody reported is marked as estimated', async () => {
  const used: (object | null)[] = [
    usage(0, 0),
    null,
    { prompt_tokens: -5, completion_tokens: 1e308 },
    { prompt_tokens: 3, completion_tokens: 4, prompt_tokens_details: { cached_tokens: 99 } },
  ]
  await using scene = await gatewayScene({
    behave: (_request, res, nth) =>
      sendJson(res, 200, completion('a "usage": {"prompt_tokens":999}', used[nth - 1] ?? null)),
  })
  for (const _ of used) await scene.client.chat.completions.create(ask)
  const log = (await scene.calls(4)).reverse()
  assert.deepEqual(
    log.map((call) => [
      call.estimated,
      call.estimated ? null : [call.input_tokens, call.cached_input_tokens, call.output_tokens],
    ]),
    [
      [false, [0, 0, 0]],
      [true, null],
      [true, null],
      [false, [3, 3, 4]],
    ],
  )
})

test('the last use of a key is written, in batches', async () => {
  await using scene = await gatewayScene()
  const unused = await createKey(scene.person)
  await scene.client.chat.completions.create(ask)
  await scene.calls(1)
  const used = await scene.person.expect<{ last_used_at: string | null }>(
    200,
    'GET',
    `/api/keys/${scene.key.id}`,
  )
  assert.ok(used.last_used_at)
  const other = await scene.person.expect<{ last_used_at: string | null }>(
    200,
    'GET',
    `/api/keys/${unused.id}`,
  )
  assert.equal(other.last_used_at, null)
})
