import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mintKey } from '../../keys/api-key.ts'
import { systemRandom } from '../ids/ids.ts'
import { createLog } from './log.ts'

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
