import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startServer } from '../../../../test/harness/server.ts'
import { createHealth, Down } from './health.ts'

test('a required part that is down takes the node out of service, a degrading one does not', async () => {
  const health = createHealth()
  health.register({ name: 'database', weight: 'required', check: async () => {} })
  assert.equal((await health.read()).status, 'ready')
  health.register({
    name: 'redis',
    weight: 'degrading',
    check: async () => {
      throw new Down('not subscribed')
    },
  })
  const degraded = await health.read()
  assert.equal(degraded.status, 'degraded')
  assert.equal(degraded.checks.find((check) => check.name === 'redis')?.detail, 'not subscribed')
  health.register({
    name: 'disk',
    weight: 'required',
    check: () => Promise.reject(Object.assign(new Error('postgres://user@host'), { code: 'EIO' })),
  })
  const down = await health.read()
  assert.equal(down.status, 'down')
  assert.equal(down.checks.find((check) => check.name === 'disk')?.detail, 'EIO')
  health.drain()
  assert.equal((await health.read()).status, 'draining')
})

test('a check that hangs counts as down after its time', async () => {
  const health = createHealth(20)
  health.register({ name: 'slow', weight: 'required', check: () => new Promise(() => {}) })
  assert.equal((await health.read()).status, 'down')
})

test('liveness, readiness and metrics answer; readiness names what is down', async () => {
  await using server = await startServer()
  assert.deepEqual(await (await fetch(`${server.origin}/healthz`)).json(), { status: 'alive' })
  const ready = await fetch(`${server.origin}/readyz`)
  assert.equal(ready.status, 200)
  assert.deepEqual(await ready.json(), { status: 'ready', down: [] })
  const metrics = await (await fetch(`${server.origin}/metrics`)).text()
  assert.match(
    metrics,
    /latchkey_http_requests_total\{method="GET",route="\/readyz",status="200"\} 1/,
  )
  server.platform.health.register({
    name: 'example',
    weight: 'required',
    check: () => Promise.reject(new Down('gone')),
  })
  const down = await fetch(`${server.origin}/readyz`)
  assert.equal(down.status, 503)
  assert.deepEqual(await down.json(), { status: 'down', down: ['example'] })
})

test('with a metrics token only its bearer reads the figures', async () => {
  await using server = await startServer({
    env: { LATCHKEY_METRICS_TOKEN: 'a-token-of-some-length' },
  })
  const read = (authorization?: string) =>
    fetch(`${server.origin}/metrics`, { headers: authorization ? { authorization } : {} })
  assert.equal((await read()).status, 404)
  assert.equal((await read('Bearer wrong')).status, 404)
  assert.equal((await read('Bearer a-token-of-some-length')).status, 200)
})
