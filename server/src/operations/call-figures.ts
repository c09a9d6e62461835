import { second } from '#platform/clock/clock.ts'
import type { Metrics } from '#platform/metrics/metrics.ts'
import type { UsageRecorder } from '../usage/index.ts'

/**
 * Counts each call that an upstream accepted as it is recorded, and passes it on unchanged. Labels
 * are bounded: models and upstreams come from the configuration, outcomes from a list.
 */
export function countCalls(
  metrics: Metrics,
  record: UsageRecorder['record'],
): UsageRecorder['record'] {
  const calls = metrics.counter('latchkey_calls_total', 'Calls a model server accepted.', [
    'model',
    'upstream',
    'outcome',
  ])
  const tokens = metrics.counter('latchkey_tokens_total', 'Tokens metered.', ['model', 'kind'])
  const cost = metrics.counter('latchkey_cost_micros_total', 'Cost in micro-units.', ['model'])
  const firstByte = metrics.histogram(
    'latchkey_first_byte_seconds',
    'From the request to the first byte of its answer, the model server included.',
    [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    ['upstream'],
  )
  return (one, done) => {
    calls.add([one.model, one.upstream, one.outcome])
    tokens.add([one.model, 'input'], one.inputTokens)
    tokens.add([one.model, 'cached_input'], one.cachedInputTokens)
    tokens.add([one.model, 'output'], one.outputTokens)
    cost.add([one.model], one.costMicros)
    if (one.firstByteMs !== null) firstByte.observe(one.firstByteMs / second, [one.upstream])
    record(one, done)
  }
}
