import type { ReactNode } from 'react'
import styles from './badge.module.css'
import { cx } from './cx.ts'

export type Tone = 'neutral' | 'good' | 'warn' | 'danger' | 'accent'

/** A state in one or two words; the colour never says more than the words. */
export function Badge(props: { tone?: Tone; children: ReactNode }) {
  return <span className={cx(styles.badge, styles[props.tone ?? 'neutral'])}>{props.children}</span>
}
