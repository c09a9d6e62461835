/**
 * Numbers for Prometheus. Counting is one map look-up and an addition, cheap enough for the
 * gateway's path; text is made only when somebody reads `/metrics`. The process figures of
 * prom-client (memory, event loop, file handles) join at the first reading, so that a start does not
 * pay for them.
 *
 * Labels are bounded by their caller: route patterns, status codes, model names of the
 * configuration. Never ids, addresses or anything a caller can invent.
 */
export type Metrics = {
  /** Name ends in `_total`. */
  counter(name: string, help: string, labels?: readonly string[]): Counter
  /** Read when somebody looks; a reader that fails leaves the metric out of that reading. */
  gauge(name: string, help: string, read: () => GaugeReading | Promise<GaugeReading>): void
  /** `buckets` ascending, in the unit that the name ends in (`_seconds`). */
  histogram(
    name: string,
    help: string,
    buckets: readonly number[],
    labels?: readonly string[],
  ): Histogram
  /** The whole page in Prometheus' text format 0.0.4. */
  text(): Promise<string>
}

/** `labels` in the order in which they were declared. */
export type Counter = {
  add(labels?: readonly string[], by?: number): void
  /** One series, for callers that count often and keep it. */
  series(labels: readonly string[]): { add(by?: number): void }
}
export type Histogram = {
  observe(value: number, labels?: readonly string[]): void
  series(labels: readonly string[]): { observe(value: number): void }
}
export type GaugeReading = number | readonly { labels: Record<string, string>; value: number }[]

export const metricsContentType = 'text/plain; version=0.0.4; charset=utf-8'

const separator = '\u001f'

export function createMetrics(): Metrics {
  const sections = new Map<string, () => Promise<string[]> | string[]>()
  const declare = (
    name: string,
    help: string,
    type: string,
    lines: () => Promise<string[]> | string[],
  ) => {
    if (sections.has(name)) throw new Error(`the metric ${name} exists already`)
    sections.set(name, async () => [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} ${type}`,
      ...(await lines()),
    ])
  }
  let processFigures: Promise<() => Promise<string>> | undefined

  return {
    counter(name, help, labels = []) {
      const all = new Map<string, CounterSeries>()
      const series = (given: readonly string[]) => {
        const key = given.join(separator)
        let one = all.get(key)
        if (!one) {
          one = new CounterSeries()
          all.set(key, one)
        }
        return one
      }
      if (labels.length === 0) series([])
      declare(name, help, 'counter', () =>
        [...all].map(([key, { value }]) => `${name}${labelText(labels, key)} ${value}`),
      )
      return { series, add: (given = [], by = 1) => series(given).add(by) }
    },
    gauge(name, help, read) {
      declare(name, help, 'gauge', async () => {
        const reading = await Promise.resolve()
          .then(read)
          .catch(() => null)
        if (reading === null) return []
        if (typeof reading === 'number') return [`${name} ${reading}`]
        return reading.map(
          ({ labels, value }) =>
            `${name}${labelText(Object.keys(labels), Object.values(labels).join(separator))} ${value}`,
        )
      })
    },
    histogram(name, help, buckets, labels = []) {
      const all = new Map<string, HistogramSeries>()
      const series = (given: readonly string[]) => {
        const key = given.join(separator)
        let one = all.get(key)
        if (!one) {
          one = new HistogramSeries(buckets)
          all.set(key, one)
        }
        return one
      }
      declare(name, help, 'histogram', () =>
        [...all].flatMap(([key, one]) => histogramLines(name, buckets, labels, key, one)),
      )
      return { series, observe: (value, given = []) => series(given).observe(value) }
    },
    async text() {
      processFigures ??= readProcessFigures()
      const own = await Promise.all([...sections.values()].map((lines) => lines()))
      return `${own.flat().join('\n')}\n${await (await processFigures)()}`
    },
  }
}

class CounterSeries {
  value = 0

  add(by = 1): void {
    this.value += by
  }
}

class HistogramSeries {
  readonly #limits: readonly number[]
  /** How many lay in each bucket and not in the one below. */
  readonly counts: number[]
  sum = 0
  count = 0

  constructor(limits: readonly number[]) {
    this.#limits = limits
    this.counts = limits.map(() => 0)
  }

  observe(value: number): void {
    this.sum += value
    this.count += 1
    const at = this.#limits.findIndex((limit) => value <= limit)
    if (at >= 0) this.counts[at] = (this.counts[at] ?? 0) + 1
  }
}

async function readProcessFigures(): Promise<() => Promise<string>> {
  const { Registry, collectDefaultMetrics } = await import('prom-client')
  const register = new Registry()
  collectDefaultMetrics({ register })
  return () => register.metrics()
}

function histogramLines(
  name: string,
  buckets: readonly number[],
  labels: readonly string[],
  key: string,
  one: HistogramSeries,
): string[] {
  let below = 0
  const lines = buckets.map((limit, at) => {
    below += one.counts[at] ?? 0
    return `${name}_bucket${labelText([...labels, 'le'], withLast(labels, key, String(limit)))} ${below}`
  })
  return [
    ...lines,
    `${name}_bucket${labelText([...labels, 'le'], withLast(labels, key, '+Inf'))} ${one.count}`,
    `${name}_sum${labelText(labels, key)} ${one.sum}`,
    `${name}_count${labelText(labels, key)} ${one.count}`,
  ]
}

const withLast = (labels: readonly string[], key: string, last: string) =>
  labels.length === 0 ? last : `${key}${separator}${last}`

function labelText(labels: readonly string[], key: string): string {
  if (labels.length === 0) return ''
  const values = key.split(separator)
  const pairs = labels.map((label, at) => `${label}="${escapeValue(values[at] ?? '')}"`)
  return `{${pairs.join(',')}}`
}

const escapeValue = (text: string) =>
  text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
