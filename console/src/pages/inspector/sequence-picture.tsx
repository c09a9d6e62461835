import { cx } from '../../design/cx.ts'
import { Card } from '../../design/page.tsx'
import styles from './inspector.module.css'
import { type Arrow, type Label, lanes } from './sequence.ts'
import { type InspectorWords, useInspectorWords } from './words.ts'

/**
 * The sequence as a list of messages, which is what assistive technology reads; the lanes and arrows
 * are drawn around it. What happened is lit and leads to its exchange.
 */
export function SequencePicture(props: { arrows: readonly Arrow[]; onShow(id: number): void }) {
  const words = useInspectorWords()
  const { picture } = words
  return (
    <Card title={picture.title}>
      <div className={styles.picture}>
        <div className={styles.lanes} aria-hidden="true">
          {lanes.map((lane) => (
            <span key={lane} className={styles.lane}>
              {picture.lanes[lane]}
            </span>
          ))}
        </div>
        <div className={styles.lifelines} aria-hidden="true">
          {lanes.map((lane) => (
            <span key={lane} />
          ))}
        </div>
        <ol className={styles.arrows} aria-label={picture.title}>
          {props.arrows.map((arrow, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: messages have no name but their place
            <ArrowRow key={index} of={arrow} onShow={props.onShow} />
          ))}
        </ol>
      </div>
    </Card>
  )
}

function ArrowRow(props: { of: Arrow; onShow(id: number): void }) {
  const words = useInspectorWords()
  const { picture } = words
  const { from, to, label, state, exchange } = props.of
  const [a, b] = [lanes.indexOf(from), lanes.indexOf(to)]
  const pair = `pair${Math.min(a, b)}${Math.max(a, b)}` as 'pair01' | 'pair02' | 'pair12' | 'pair13'
  const text = labelText(label, words)
  return (
    <li className={cx(styles.arrow, styles[pair], styles[state], b < a && styles.leftward)}>
      <span className="visually-hidden">
        {picture.lanes[from]} → {picture.lanes[to]}:{' '}
      </span>
      {exchange === null ? (
        <span className={styles.arrowLabel}>{text}</span>
      ) : (
        <button
          type="button"
          className={styles.arrowLabel}
          title={picture.show}
          onClick={() => props.onShow(exchange)}
        >
          {text}
        </button>
      )}
      <span className={styles.line} aria-hidden="true" />
      <span className="visually-hidden">, {picture.states[state]}</span>
    </li>
  )
}

const labelText = (label: Label, words: InspectorWords): string =>
  'text' in label ? label.text : words.picture.labels[label.words]
