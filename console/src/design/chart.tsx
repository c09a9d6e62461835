import { lazy, Suspense } from 'react'
import { useLanguage } from '../messages/messages.tsx'
import styles from './chart.module.css'
import { Table } from './table.tsx'

const ChartCanvas = lazy(() => import('./chart-canvas.tsx'))

export type ChartPoint = { day: string; value: number }

/**
 * One bar a day. The picture is for eyes; the same numbers stand in a table below it, which is what
 * assistive technology reads.
 */
export function Chart(props: {
  title: string
  points: readonly ChartPoint[]
  show(value: number): string
}) {
  const { m, format } = useLanguage()
  return (
    <figure className={styles.figure}>
      <div className={styles.plot} aria-hidden="true">
        <Suspense fallback={null}>
          <ChartCanvas points={props.points} show={props.show} />
        </Suspense>
      </div>
      <details className={styles.details}>
        <summary>{m.common.showAsTable}</summary>
        <Table
          caption={props.title}
          rows={props.points}
          rowKey={(point) => point.day}
          columns={[
            { title: m.common.day, main: true, cell: (point) => format.day(point.day) },
            { title: props.title, align: 'end', cell: (point) => props.show(point.value) },
          ]}
        />
      </details>
    </figure>
  )
}

/** Every day from `from` to `to` (both `YYYY-MM-DD`), zero where nothing happened. */
export function everyDay(
  from: string,
  to: string,
  values: ReadonlyMap<string, number>,
): ChartPoint[] {
  const points: ChartPoint[] = []
  const end = Date.parse(`${to}T00:00:00Z`)
  for (let at = Date.parse(`${from}T00:00:00Z`); at <= end; at += 86_400_000) {
    const day = new Date(at).toISOString().slice(0, 10)
    points.push({ day, value: values.get(day) ?? 0 })
  }
  return points
}
