import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readConfig } from './config.ts'

const randomKey = 'q1Xv0m8Yt3JcQm5H0oGZk7l2b9TnVdR4sWfE6uPiAyM='
const good = {
  LATCHKEY_MODE: 'production',
  LATCHKEY_ORIGIN: 'https://ai.example.com',
  LATCHKEY_SMTP_URL: 'smtps://mailer:mail-password@mail.example.com:465',
  LATCHKEY_MAIL_FROM: 'Example AI <no-reply@example.com>',
  LATCHKEY_DATABASE_URL: 'postgres://latchkey:database-password@db/latchkey',
  LATCHKEY_REDIS_URL: 'rediss://:redis-password@cache:6379',
  LATCHKEY_ROOT_KEY: randomKey,
  LATCHKEY_METRICS_TOKEN: 'a-metrics-token-that-is-long',
  LATCHKEY_TRUSTED_PROXIES: '10.0.0.0/8, 2001:db8::/32, 192.0.2.7',
  LATCHKEY_RESOURCES: JSON.stringify([
    {
      resource: 'https://notes.example/mcp',
      name: 'Notes',
      scopes: { 'notes:read': 'Read' },
      client_id: 'app_1',
    },
    {
      resource: 'http://127.0.0.1:8787/mcp',
      name: 'Here',
      scopes: { 'notes:read': { en: 'Read', zh: '读取' } },
    },
  ]),
  LATCHKEY_UPSTREAMS: JSON.stringify([
    {
      name: 'paid',
      base_url: 'https://models.example/v1',
      api_key: 'upstream-password',
      models: ['m1'],
      prices: { m1: { input: 1, output: 2 } },
    },
    { name: 'local', base_url: 'http://127.0.0.1:8000/v1', api_key: 'k', models: ['m2'] },
  ]),
}

test('a good production configuration is accepted', () => {
  assert.deepEqual(readConfig(good, 2).ok ? [] : readConfig(good, 2), [])
  const socket = 'postgres:///latchkey?host=/run/postgresql'
  assert.ok(readConfig({ ...good, LATCHKEY_DATABASE_URL: socket }, 2).ok)
})

const upstream = (fields: object) =>
  JSON.stringify([{ name: 'a', base_url: 'https://m.example/v1', models: ['m'], ...fields }])

const resource = (fields: object) =>
  JSON.stringify([{ resource: 'https://r.example/', name: 'R', scopes: { a: 'b' }, ...fields }])

/** Each of these on top of the good one; `undefined` leaves a setting out. */
const bad: [name: string, value: string | undefined][] = [
  ['LATCHKEY_MODE', 'live'],
  ['LATCHKEY_ORIGIN', 'http://ai.example.com'],
  ['LATCHKEY_ORIGIN', 'https://ai.example.com/base'],
  ['LATCHKEY_ORIGIN', 'https://me:secret-value@ai.example.com'],
  ['LATCHKEY_ORIGIN', 'https://*.example.com'],
  ['LATCHKEY_ORIGIN', 'javascript:secret-value'],
  ['LATCHKEY_PORT', '70000'],
  ['LATCHKEY_PORT', '0x1f90z'],
  ['LATCHKEY_HOST', 'here; secret-value'],
  ['LATCHKEY_SMTP_URL', undefined],
  ['LATCHKEY_SMTP_URL', 'https://secret-value'],
  ['LATCHKEY_SMTP_URL', 'smtp://'],
  ['LATCHKEY_MAIL_FROM', 'nobody'],
  ['LATCHKEY_MAIL_FROM', 'a@b.c\r\nBcc: secret-value@evil.example'],
  ['LATCHKEY_DATABASE_URL', 'mysql://secret-value'],
  ['LATCHKEY_DATABASE_URL', 'postgres://'],
  ['LATCHKEY_DATABASE_URL', undefined], // Redis joins nodes that have no database in common
  ['LATCHKEY_REDIS_URL', 'http://secret-value'],
  ['LATCHKEY_ROOT_KEY', undefined],
  ['LATCHKEY_ROOT_KEY', 'secret-value'],
  ['LATCHKEY_ROOT_KEY', `!secret-value! ${randomKey}`],
  ['LATCHKEY_ROOT_KEY', Buffer.alloc(32).toString('base64')],
  ['LATCHKEY_ROOT_KEY', Buffer.alloc(32, 'change-me').toString('base64')],
  ['LATCHKEY_ROOT_KEY', Buffer.from('correct horse battery staple 123').toString('base64')],
  ['LATCHKEY_METRICS_TOKEN', 'secret-value'],
  ['LATCHKEY_OPERATOR_EMAIL', 'secret-value'],
  ['LATCHKEY_OPERATOR_PASSWORD', 'secret-value'],
  ['LATCHKEY_TRUSTED_PROXIES', 'secret-value'],
  ['LATCHKEY_TRUSTED_PROXIES', '10.0.0.0/99'],
  ['LATCHKEY_TRUSTED_PROXIES', '10.0.0.1,,'],
  ['LATCHKEY_TRUSTED_PROXIES', '0.0.0.0/0'],
  ['LATCHKEY_TRUSTED_PROXIES', '10.0.0.1, ::/0'],
  ['LATCHKEY_UPSTREAMS', '[{"api_key":"secret-value"'],
  ['LATCHKEY_UPSTREAMS', '[]'],
  ['LATCHKEY_UPSTREAMS', '/secret-value/nowhere.json'],
  ['LATCHKEY_UPSTREAMS', upstream({ base_url: 'http://m.example/v1', api_key: 'secret-value' })],
  ['LATCHKEY_UPSTREAMS', upstream({ base_url: 'https://a:secret-value@m.example/v1' })],
  ['LATCHKEY_UPSTREAMS', upstream({ base_url: 'https://m.example/v1?key=secret-value' })],
  ['LATCHKEY_UPSTREAMS', upstream({ base_url: 'file:///secret-value' })],
  ['LATCHKEY_UPSTREAMS', upstream({ api_keys: 'secret-value' })],
  ['LATCHKEY_UPSTREAMS', upstream({ prices: { mistyped: { input: 1, output: 1 } } })],
  ['LATCHKEY_UPSTREAMS', upstream({ prices: { m: { input: -1, output: 1 } } })],
  ['LATCHKEY_RESOURCES', '[]'],
  ['LATCHKEY_RESOURCES', '/secret-value/nowhere.json'],
  ['LATCHKEY_RESOURCES', resource({ resource: 'ftp://secret-value.example/' })],
  ['LATCHKEY_RESOURCES', resource({ resource: 'https://r.example/?secret-value' })],
  ['LATCHKEY_RESOURCES', resource({ resource: 'https://r.example/#secret-value' })],
  ['LATCHKEY_RESOURCES', resource({ resource: 'https://me:secret-value@r.example/' })],
  ['LATCHKEY_RESOURCES', resource({ resource: 'https://R.example/mcp' })],
  ['LATCHKEY_RESOURCES', resource({ resource: 'http://secret-value.example/mcp' })],
  ['LATCHKEY_RESOURCES', resource({ resource: 'https://ai.example.com/v1' })],
  ['LATCHKEY_RESOURCES', resource({ resource: 'https://ai.example.com/secret-value' })],
  ['LATCHKEY_RESOURCES', resource({ name: '' })],
  ['LATCHKEY_RESOURCES', resource({ scopes: {} })],
  ['LATCHKEY_RESOURCES', resource({ scopes: { 'not one': 'a' } })],
  ['LATCHKEY_RESOURCES', resource({ scopes: { openid: 'a' } })],
  ['LATCHKEY_RESOURCES', resource({ scopes: { 'chat:write': 'a' } })],
  ['LATCHKEY_RESOURCES', resource({ scopes: { a: { en: 'a' } } })],
  ['LATCHKEY_RESOURCES', resource({ clients: ['secret-value'] })],
  ['LATCHKEY_RESOURCES', resource({ client_id: 'secret-value' })],
  [
    'LATCHKEY_RESOURCES',
    JSON.stringify(
      ['https://r.example', 'https://r.example/'].flatMap((one) =>
        JSON.parse(resource({ resource: one })),
      ),
    ),
  ],
  ['LATCHKEY_KEY_PREFIX', 'secret value'],
  ['LATCHKEY_HASH_CONCURRENCY', '0'],
  ['LATCHKEY_DRAIN_SECONDS', '-1'],
  ['LATCHKEY_LOOPBACK_FETCH', 'allow'],
  ['LATCHKEY_LOOPBACK_FETCH', 'secret-value'],
  ['LATCHKEY_LOG_LEVEL', 'secret-value'],
  ['LATCHKEY_CONFIG', '/secret-value/nowhere.json'],
  ['LATCHKEY_DATABASE', 'secret-value'],
]

test('each bad production setting is refused by its name, and no value is told', () => {
  for (const [name, value] of bad) {
    const result = readConfig({ ...good, [name]: value }, 2)
    assert.ok(!result.ok, `${name}=${value} was accepted`)
    const text = result.problems.join('\n')
    assert.ok(text.includes(name), `${name}: ${text}`)
    assert.ok(!/secret.value|-password/.test(text), text)
    const told = value !== undefined && value.length > 8 && text.includes(value)
    assert.ok(!told || value?.endsWith('://'), text)
  }
})
