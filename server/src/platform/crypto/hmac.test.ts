import assert from 'node:assert/strict'
import { createHmac, hkdfSync, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { hkdfSha256, hmacSha256 } from './hmac.ts'

const texts = [
  '',
  'a',
  'ключ',
  '鑰匙'.repeat(40),
  'x'.repeat(170),
  'x'.repeat(171),
  'é'.repeat(3_000),
]

test('a keyed digest is the one that node:crypto makes, whatever the lengths of key and text', () => {
  for (const length of [0, 1, 32, 63, 64]) {
    const key = randomBytes(length)
    const mac = hmacSha256(key)
    for (const text of [...texts, ...texts.toReversed()]) {
      const expected = createHmac('sha256', key).update(text).digest()
      assert.equal(mac(text, 'base64url'), expected.toString('base64url'))
      assert.deepEqual(mac(text, 'buffer'), expected)
    }
  }
  assert.throws(() => hmacSha256(randomBytes(65)), RangeError)
})

test('a derived key is the one that node:crypto derives', () => {
  const derive = hkdfSha256('latchkey', 'oauth/replay/1')
  for (const secret of texts.slice(1))
    assert.deepEqual(
      derive(secret),
      Buffer.from(hkdfSync('sha256', secret, 'latchkey', 'oauth/replay/1', 32)),
    )
})
