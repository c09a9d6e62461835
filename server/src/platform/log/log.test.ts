import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mintKey } from '../../keys/api-key.ts'
import { systemRandom } from '../ids/ids.ts'
import { createLog, errorFields } from './log.ts'

test('the last net catches keys under any prefix, bearer values and JWTs, and leaves ids alone', () => {
  const lines: string[] = []
  const log = createLog('info', (line) => lines.push(line))
  const secrets = [
    mintKey('sk-lk', 'live', systemRandom),
    mintKey('acme', 'svc', systemRandom),
    'sk-proj-4f9a8b7c6d5e4f3a2b1c',
    `eyJ${'hbGciOiJ'.repeat(2)}.eyJzdWIiOiIx.${'c2ln'.repeat(4)}`,
  ]
  for (const secret of secrets) log.error({ err: new Error(`upstream said ${secret}`) }, secret)
  log.info({ header: 'Bearer abcdefgh12345678' }, 'a header')
  log.info({ account_id: 'acct_01m80dh75r75xvhrn3craecf8j' }, 'an id')
  const text = lines.join('')
  for (const secret of [...secrets, 'abcdefgh12345678']) assert.ok(!text.includes(secret), secret)
  assert.ok(text.includes('acct_01m80dh75r75xvhrn3craecf8j'))
})

test('an error is logged with name, message, code and stack, however it is handed over', () => {
  const lines: string[] = []
  const log = createLog('info', (line) => lines.push(line))
  const error = Object.assign(new TypeError('no way'), { code: 'EGONE', query: 'select secret' })
  log.error({ err: error }, 'as it is')
  log.error({ err: errorFields(error) }, 'by its fields')
  log.error({ err: 'a text' }, 'no error at all')
  log.error({ err: { anything: 1 } }, 'no error either')
  const logged = lines.map((line) => JSON.parse(line).err)
  for (const { stack, ...rest } of logged.slice(0, 2)) {
    assert.deepEqual(rest, { type: 'TypeError', message: 'no way', code: 'EGONE' })
    assert.match(stack, /log\.test\.ts/)
  }
  assert.deepEqual(logged.slice(2), [{ message: 'a text' }, { message: '[object Object]' }])
})
