import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ApplicationType, isLoopback, judgeRedirectUri, redirectHost } from './redirect-uri.ts'

const refused: readonly [string, ApplicationType, ReturnType<typeof judgeRedirectUri>][] = [
  ['', 'web', 'malformed'],
  ['callback', 'web', 'malformed'],
  ['/callback', 'web', 'malformed'],
  ['//app.example/cb', 'web', 'malformed'],
  ['https://', 'web', 'malformed'],
  ['https://app.example/cb#', 'web', 'fragment'],
  ['https://app.example/cb#x', 'web', 'fragment'],
  ['https://user@app.example/cb', 'web', 'credentials'],
  ['https://user:pw@app.example/cb', 'web', 'credentials'],
  ['https://app.example@evil.example/cb', 'web', 'credentials'],
  ['https://@evil.example/cb', 'web', 'credentials'],
  ['https://*.app.example/cb', 'web', 'wildcard'],
  ['https://app.example/*', 'web', 'wildcard'],
  ['https://app.example/cb\n', 'web', 'control_character'],
  ['https://app.example/c b', 'web', 'control_character'],
  ['https://app.example\\@evil.example', 'web', 'control_character'],
  ['https://app.example/\u0000', 'web', 'control_character'],
  ['https://app.example/\u2028', 'web', 'control_character'],
  ['https:\t//app.example/cb', 'web', 'control_character'],
  ['https://app.example/a/../cb', 'web', 'path_traversal'],
  ['https://app.example/a/%2e%2e/cb', 'web', 'path_traversal'],
  ['https://app.example/..;/cb', 'web', 'path_traversal'],
  ['https://app.example/./cb', 'web', 'path_traversal'],
  ['https://app.example/a%2f..%2fcb', 'web', 'path_traversal'],
  ['HTTPS://app.example/cb', 'web', 'not_canonical'],
  ['https://APP.example/cb', 'web', 'not_canonical'],
  ['https:app.example/cb', 'web', 'not_canonical'],
  ['https:///app.example/cb', 'web', 'not_canonical'],
  ['https://app.example:443/cb', 'web', 'not_canonical'],
  ['https://ａpp.example/cb', 'web', 'not_canonical'],
  ['http://127.1/cb', 'web', 'not_canonical'],
  ['http://0x7f000001/cb', 'web', 'not_canonical'],
  ['http://app.example/cb', 'web', 'plain_http'],
  ['http://localhost.evil.example/cb', 'web', 'plain_http'],
  ['http://127.0.0.1.evil.example/cb', 'web', 'plain_http'],
  ['http://0.0.0.0/cb', 'web', 'plain_http'],
  ['http://169.254.169.254/cb', 'native', 'plain_http'],
  ['javascript:alert(1)', 'native', 'scheme_refused'],
  ['JavaScript:alert(1)', 'native', 'scheme_refused'],
  ['data:text/html,x', 'native', 'scheme_refused'],
  ['file:///etc/passwd', 'native', 'scheme_refused'],
  ['about:blank', 'native', 'scheme_refused'],
  ['blob:https://app.example/x', 'native', 'scheme_refused'],
  ['vbscript:x', 'native', 'scheme_refused'],
  ['com.example.app:/cb', 'web', 'private_scheme_needs_native'],
  ['myapp:/cb', 'native', 'private_scheme_needs_dot'],
  ['myapp://cb', 'native', 'private_scheme_needs_dot'],
  [`https://app.example/${'a'.repeat(2_000)}`, 'web', 'too_long'],
]

const accepted: readonly [string, ApplicationType][] = [
  ['https://app.example', 'web'],
  ['https://app.example/', 'web'],
  ['https://app.example/cb?tenant=1', 'web'],
  ['https://app.example:8443/cb', 'web'],
  ['https://app.example/a.b/..c', 'web'],
  ['https://xn--pp-xka.example/cb', 'web'],
  ['http://localhost:3000/cb', 'web'],
  ['http://127.0.0.1/cb', 'native'],
  ['http://[::1]:5000/cb', 'native'],
  ['com.example.app:/oauth', 'native'],
  ['com.example.app://oauth/cb', 'native'],
]

for (const [uri, type, reason] of refused)
  test(`${JSON.stringify(uri.slice(0, 60))} (${type}) is refused as ${reason}`, () =>
    assert.equal(judgeRedirectUri(uri, type), reason))

for (const [uri, type] of accepted)
  test(`${uri} (${type}) may be registered`, () => assert.equal(judgeRedirectUri(uri, type), null))

test('a person is shown the host, or the scheme of a native app', () => {
  assert.equal(redirectHost('https://app.example:8443/cb'), 'app.example')
  assert.equal(redirectHost('com.example.app:/cb'), 'com.example.app:')
})

test('only http to this machine counts as loopback', () => {
  assert.ok(['http://localhost/a', 'http://127.0.0.1:9/', 'http://[::1]/'].every(isLoopback))
  assert.ok(!['https://localhost/a', 'http://localhost.evil/', 'x'].some(isLoopback))
})
