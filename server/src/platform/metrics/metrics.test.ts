import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMetrics } from './metrics.ts'

test('counters, gauges and histograms come out in the text format, labels escaped', async () => {
  const metrics = createMetrics()
  const calls = metrics.counter('t_calls_total', 'Calls.', ['model', 'status'])
  calls.add(['m"1', '200'])
  calls.add(['m"1', '200'], 2)
  metrics.gauge('t_open', 'Open.', () => 7)
  metrics.gauge('t_health', 'Health.', async () => [{ labels: { name: 'a' }, value: 1 }])
  const time = metrics.histogram('t_seconds', 'Time.', [0.1, 1], ['route'])
  time.observe(0.05, ['/a'])
  time.observe(0.5, ['/a'])
  time.observe(5, ['/a'])
  const text = await metrics.text()
  for (const line of [
    '# TYPE t_calls_total counter',
    't_calls_total{model="m\\"1",status="200"} 3',
    't_open 7',
    't_health{name="a"} 1',
    't_seconds_bucket{route="/a",le="0.1"} 1',
    't_seconds_bucket{route="/a",le="1"} 2',
    't_seconds_bucket{route="/a",le="+Inf"} 3',
    't_seconds_sum{route="/a"} 5.55',
    't_seconds_count{route="/a"} 3',
  ])
    assert.ok(text.split('\n').includes(line), `${line}\n${text.slice(0, 600)}`)
  assert.match(text, /process_resident_memory_bytes \d+/)
})

test('a gauge that cannot be read leaves the rest of the page whole', async () => {
  const metrics = createMetrics()
  metrics.gauge('t_broken', 'Broken.', () => Promise.reject(new Error('away')))
  metrics.gauge('t_fine', 'Fine.', () => 1)
  assert.match(await metrics.text(), /^t_fine 1$/m)
})

test('two metrics cannot share a name', () => {
  const metrics = createMetrics()
  metrics.counter('t_total', 'One.')
  assert.throws(() => metrics.counter('t_total', 'Two.'), /exists already/)
})
