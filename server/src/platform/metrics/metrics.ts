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
export type Counter = { add(labels?: readonly string[], by?: number): void }
export type Histogram = { observe(value: number, labels?: readonly string[]): void }
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
      const values = new Map<string, number>()
      if (labels.length === 0) values.set('', 0)
      declare(name, help, 'counter', () =>
        [...values].map(([key, value]) => `${name}${labelText(labels, key)} ${value}`),
      )
      return {
        add(given = [], by = 1) {
          const key = given.join(separator)
          values.set(key, (values.get(key) ?? 0) + by)
        },
      }
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
      const series = new Map<string, { counts: number[]; sum: number; count: number }>()
      declare(name, help, 'histogram', () =>
        [...series].flatMap(([key, one]) => histogramLines(name, buckets, labels, key, one)),
      )
      return {
        observe(value, given = []) {
          const key = given.join(separator)
          let one = series.get(key)
          if (!one) {
            one = { counts: buckets.map(() => 0), sum: 0, count: 0 }
            series.set(key, one)
          }
          one.sum += value
          one.count += 1
          const at = buckets.findIndex((limit) => value <= limit)
          if (at >= 0) one.counts[at] = (one.counts[at] ?? 0) + 1
        },
      }
    },
    async text() {
      processFigures ??= readProcessFigures()
      const own = await Promise.all([...sections.values()].map((lines) => lines()))
      return `${own.flat().join('\n')}\n${await (await processFigures)()}`
    },
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
  one: { counts: number[]; sum: number; count: number },
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
