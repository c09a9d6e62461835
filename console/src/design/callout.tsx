import type { ReactNode } from 'react'
import styles from './callout.module.css'
import { cx } from './cx.ts'
import { Icon } from './icon.tsx'

/** Something to know before going on. `danger` is announced at once. */
export function Callout(props: {
  tone?: 'info' | 'warn' | 'danger' | 'good'
  title?: string
  children?: ReactNode
}) {
  const tone = props.tone ?? 'info'
  const icon = tone === 'info' ? 'info' : tone === 'good' ? 'check' : 'alert'
  return (
    <div
      className={cx(styles.callout, styles[tone])}
      {...(tone === 'danger' ? { role: 'alert' } : {})}
    >
      <Icon name={icon} />
      <div className={styles.text}>
        {props.title && <p className={styles.title}>{props.title}</p>}
        {props.children}
      </div>
    </div>
  )
}
