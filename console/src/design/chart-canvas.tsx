import { useEffect, useRef } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { useLanguage } from '../messages/messages.tsx'
import styles from './chart.module.css'
import type { ChartPoint } from './chart.tsx'

const height = 208

/** The picture itself, drawn by uPlot; loaded only where a chart is shown. */
export default function ChartCanvas(props: {
  points: readonly ChartPoint[]
  show(value: number): string
}) {
  const { format } = useLanguage()
  const box = useRef<HTMLDivElement>(null)
  const readout = useRef<HTMLDivElement>(null)
  const { points, show } = props

  useEffect(() => {
    const element = box.current
    if (!element) return
    let plot = draw(element, readout.current, points, show, format.day)
    const redraw = () => {
      plot.destroy()
      plot = draw(element, readout.current, points, show, format.day)
    }
    const resize = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height }))
    resize.observe(element)
    const theme = new MutationObserver(redraw)
    theme.observe(document.documentElement, { attributeFilter: ['data-theme'] })
    const scheme = matchMedia('(prefers-color-scheme: dark)')
    scheme.addEventListener('change', redraw)
    return () => {
      resize.disconnect()
      theme.disconnect()
      scheme.removeEventListener('change', redraw)
      plot.destroy()
    }
  }, [points, show, format])

  return (
    <>
      <div ref={box} />
      <div ref={readout} className={styles.readout} hidden />
    </>
  )
}

function draw(
  element: HTMLElement,
  readout: HTMLElement | null,
  points: readonly ChartPoint[],
  show: (value: number) => string,
  showDay: (day: string) => string,
): uPlot {
  const style = getComputedStyle(document.documentElement)
  const token = (name: string) => style.getPropertyValue(name).trim()
  const font = `12px ${token('--sans')}`
  const top = niceTop(Math.max(...points.map((point) => point.value)))
  const label = (index: number) => (points[index] ? showDay(points[index].day) : '')
  return new uPlot(
    {
      width: element.clientWidth || 320,
      height,
      padding: [12, 8, 0, 0],
      legend: { show: false },
      cursor: { x: false, y: false, points: { show: false }, drag: { x: false, y: false } },
      scales: {
        x: { time: false, range: [-0.6, points.length - 0.4] },
        y: { range: [0, top] },
      },
      axes: [
        {
          stroke: token('--ink-3'),
          font,
          grid: { show: false },
          ticks: { show: false },
          size: 32,
          gap: 8,
          splits: (plot) => wholeSteps(points.length, plot.width),
          values: (_, splits) => splits.map(label),
        },
        {
          stroke: token('--ink-3'),
          font,
          size: 64,
          gap: 8,
          grid: { stroke: token('--line'), width: 1 },
          ticks: { show: false },
          splits: () => [0, top / 2, top],
          values: (_, splits) => splits.map(show),
        },
      ],
      series: [
        {},
        {
          fill: token('--accent'),
          width: 0,
          points: { show: false },
          ...(uPlot.paths.bars && {
            paths: uPlot.paths.bars({ size: [0.62, 36], radius: 0.12 }),
          }),
        },
      ],
      hooks: {
        setCursor: [
          (plot) => {
            const index = plot.cursor.idx
            const point = index == null ? undefined : points[index]
            if (!readout) return
            readout.hidden = !point
            if (point) readout.textContent = `${showDay(point.day)}  ${show(point.value)}`
          },
        ],
      },
    },
    [points.map((_, index) => index), points.map((point) => point.value)],
    element,
  )
}

/** Indexes to label: as many as fit, always whole days. */
function wholeSteps(count: number, width: number): number[] {
  const step = Math.max(1, Math.ceil(count / Math.max(2, Math.floor((width - 64) / 64))))
  return Array.from({ length: Math.ceil(count / step) }, (_, index) => index * step)
}

/** The least 2, 4, 6, 8 or 10 × a power of ten that holds the highest bar, so that halves stay whole. */
function niceTop(highest: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, highest)))
  const step = [2, 4, 6, 8, 10].find((one) => one * power >= highest) ?? 10
  return step * power
}
