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
  const seriesOf = remembered((model: string) => ({
    input: tokens.series([model, 'input']),
    cached: tokens.series([model, 'cached_input']),
    output: tokens.series([model, 'output']),
    cost: cost.series([model]),
    upstreams: remembered((upstream: string) => ({
      firstByte: firstByte.series([upstream]),
      outcomes: remembered((outcome: string) => calls.series([model, upstream, outcome])),
    })),
  }))
  return (one, done) => {
    const series = seriesOf(one.model)
    const { firstByte, outcomes } = series.upstreams(one.upstream)
    outcomes(one.outcome).add()
    series.input.add(one.inputTokens)
    series.cached.add(one.cachedInputTokens)
    series.output.add(one.outputTokens)
    series.cost.add(one.costMicros)
    if (one.firstByteMs !== null) firstByte.observe(one.firstByteMs / second)
    record(one, done)
  }
}

/** Made once for each name; the names are few (see above). */
function remembered<T>(make: (name: string) => T): (name: string) => T {
  const made = new Map<string, T>()
  return (name) => {
    let one = made.get(name)
    if (one === undefined) {
      one = make(name)
      made.set(name, one)
    }
    return one
  }
}
