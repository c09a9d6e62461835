import assert from 'node:assert/strict'
import { test } from 'node:test'
import { networkOf } from '../platform/http/network-of.ts'
import { canonicalEmail } from './email-address.ts'
import { argon2Hasher } from './password-hasher.ts'
import { judgePassword } from './password-policy.ts'
import { personName } from './person-name.ts'

test('an address has one stored form', () => {
  const forms: [string, string][] = [
    ['Ada@Example.COM', 'ada@example.com'],
    ['  ada+tag@example.com \n', 'ada+tag@example.com'],
    ["o'neil@sub.example.co.uk", "o'neil@sub.example.co.uk"],
    ['ada@münchen.example', 'ada@xn--mnchen-3ya.example'],
    ['ada@MÜNCHEN.example', 'ada@xn--mnchen-3ya.example'],
    ['李@example.com', ''],
    ['ada@例子.测试', 'ada@xn--fsqu00a.xn--0zwm56d'],
    ['ada@localhost', 'ada@localhost'],
  ]
  for (const [text, stored] of forms) assert.equal(canonicalEmail(text) ?? '', stored, text)
})

test('what is not one plain mailbox is no address', () => {
  const refused = [
    '',
    '@example.com',
    'ada@',
    'ada',
    'a@b@example.com',
    'a@example.com,b@example.com',
    'a@example.com;b@example.com',
    'a@example.com b@example.com',
    'Ada <ada@example.com>',
    '"ada"@example.com',
    '"a@evil.com"@example.com',
    'ada(comment)@example.com',
    'ada\n@example.com',
    'ada\r\nBcc: x@example.com',
    'ada\0@example.com',
    'ada＠example.com',
    'ada﹫example.com',
    'ada@[127.0.0.1]',
    'ada@127.0.0.1',
    '.ada@example.com',
    'ada.@example.com',
    'a..b@example.com',
    'ada@example..com',
    'ada@-example.com',
    'ada@example.com.',
    'ada@exa mple.com',
    'ada@ex%61mple.com',
    'ada@example.com/x',
    '\u212Aada@example.com', // KELVIN SIGN lower-cases to k
    `${'a'.repeat(65)}@example.com`,
    `ada@${'a'.repeat(64)}.example`,
    `ada@${'abc.'.repeat(70)}example`,
  ]
  for (const text of refused) assert.equal(canonicalEmail(text), null, JSON.stringify(text))
})

test('names of any script pass, invisible and turning characters do not', () => {
  for (const name of ['Ada Lovelace', '李小龙', 'José', 'علي', 'O’Neil-Smith', 'नमस्ते'])
    assert.equal(personName(` ${name} `), name.normalize('NFC'))
  for (const name of ['', '  ', '\u202eevil', 'a\nb', 'a\u200bb', '…', 'x'.repeat(101)])
    assert.equal(personName(name), null, JSON.stringify(name))
})

test('the policy wants length or strength, and refuses the well-known and the personal', async () => {
  const who = { name: 'Ada Lovelace', email: 'countess@example.com' }
  const expected: [string, string | null][] = [
    ['alllowercaseletters', null],
    ['quiet harbour lantern 42', null],
    ['Tr0ub4dor&3', null],
    ['密码很长而且没有人会猜到它的内容', null],
    ['x'.repeat(7), 'password_too_short'],
    ['password', 'password_common'],
    ['１２３４５６７８', 'password_common'], // full-width digits are the digits
    ['passwordpassword', 'password_common'],
    ['aaaaaaaaaaaaaaaaaaaa', 'password_common'],
    ['123456789012345', 'password_weak'],
    ['lovelace1815', 'password_personal'],
    ['countess-2026', 'password_personal'],
    ['Latchkey2026!', 'password_personal'],
    ['xK9#mQ2$', 'password_weak'],
  ]
  for (const [password, reason] of expected)
    assert.equal((await judgePassword(password, who)).reason, reason, password)
})

test('a password is never truncated, and full-width typing is the same password', async () => {
  const hasher = argon2Hasher(2)
  const long = `${'correct horse battery '.repeat(10)}x`
  const hashed = await hasher.hash(long)
  assert.ok(hashed.ok)
  assert.match(hashed.phc, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  const verify = async (password: string) => {
    const answer = await hasher.verify(hashed.phc, password)
    return answer.ok && answer.right
  }
  assert.equal(await verify(long), true)
  assert.equal(await verify(`${long.slice(0, -1)}y`), false)
  const wide = await hasher.hash('ａｂｃ１２３')
  assert.ok(wide.ok)
  const narrow = await hasher.verify(wide.phc, 'abc123')
  assert.ok(narrow.ok && narrow.right && !narrow.outdated)
})

test('beyond its queue the hasher says busy instead of waiting without end', async () => {
  const hasher = argon2Hasher(1)
  const answers = await Promise.all(
    Array.from({ length: 70 }, () =>
      hasher.verify('$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAA', 'x'),
    ),
  )
  assert.equal(answers.filter((answer) => !answer.ok).length, 5)
})

test('an IPv6 /64 is one network, and IPv4 in IPv6 is IPv4', () => {
  assert.equal(networkOf('192.0.2.7'), '192.0.2.7')
  assert.equal(networkOf('::ffff:192.0.2.7'), '192.0.2.7')
  assert.equal(networkOf('2001:db8:1:2:3:4:5:6'), networkOf('2001:DB8:1:2::9'))
  assert.notEqual(networkOf('2001:db8:1:2::1'), networkOf('2001:db8:1:3::1'))
  assert.equal(networkOf('::1'), '0:0:0:0::/64')
})
