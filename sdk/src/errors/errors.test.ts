import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { LatchkeyError, RateLimited, SignInRequired } from './errors.ts'
import { type ErrorCode, en, slugs, zh } from './messages.ts'

const codes = Object.keys(slugs) as ErrorCode[]
const names = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort()

test('every error says what happened and what to do next, in both languages', () => {
  for (const code of codes) {
    for (const words of [en[code], zh[code]]) assert.ok(words.happened && words.next, code)
    assert.match(zh[code].happened + zh[code].next, /\p{Script=Han}/u)
    const both = [en[code], zh[code]].map(({ happened, next }) => names(happened + next))
    assert.deepEqual(both[0], both[1], `${code} says the same in both`)
    const error = new LatchkeyError(code, { retryAt: 0 })
    assert.ok(!/\{\w+\}/.test(error.message), error.message)
  }
})

test('every error has a section in the documentation', () => {
  const docs = readFileSync(new URL('../../../docs/sdk.md', import.meta.url), 'utf8')
  for (const slug of Object.values(slugs)) assert.ok(docs.includes(`\n### ${slug}\n`), slug)
})

test('the help link is the provider’s own, else below helpBase, else in the documentation', () => {
  const base = { locale: 'en', helpBase: 'https://id.test/help/' } as const
  assert.equal(new RateLimited('rate_limited').help, 'docs/sdk.md#rate-limits')
  assert.equal(new RateLimited('rate_limited', {}, base).help, 'https://id.test/help/rate-limits')
  const own = { help: 'https://id.test/help/own' }
  assert.equal(new RateLimited('rate_limited', own, base).help, own.help)
})

test('an error speaks the chosen language and knows the other', () => {
  const voice = { locale: 'zh', helpBase: null } as const
  const error = new SignInRequired('reused', { account: 'alice' }, voice)
  assert.match(error.message, /“alice”的刷新令牌被使用了两次/)
  assert.match(error.words('en').happened, /used twice/)
  assert.equal(error.name, 'SignInRequired')
  assert.equal(error.code, 'sign_in_reused')
})
