import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { cx } from './cx.ts'
import { Icon } from './icon.tsx'
import styles from './page.module.css'
import { usePageTitle } from './page-title.ts'

/** The top of every page: one `h1`, what the page is for, and its main action. Also the tab's title. */
export function PageHeader(props: {
  title: string
  lead?: ReactNode
  actions?: ReactNode
  back?: { to: string; label: string }
}) {
  usePageTitle(props.title)
  return (
    <header className={styles.header}>
      {props.back && (
        <Link to={props.back.to} className={styles.back}>
          <span className={styles.backIcon}>
            <Icon name="chevron" size={16} />
          </span>
          {props.back.label}
        </Link>
      )}
      <div className={styles.headRow}>
        <div className={styles.headText}>
          <h1 className={styles.title}>{props.title}</h1>
          {props.lead && <div className={styles.lead}>{props.lead}</div>}
        </div>
        {props.actions && <div className={styles.actions}>{props.actions}</div>}
      </div>
    </header>
  )
}

/** A surface with an optional heading. */
export function Card(props: {
  title?: string
  lead?: ReactNode
  actions?: ReactNode
  children?: ReactNode
  tone?: 'danger'
}) {
  return (
    <section className={cx(styles.card, props.tone === 'danger' && styles.dangerCard)}>
      {(props.title || props.actions) && (
        <div className={styles.cardHead}>
          <div>
            {props.title && <h2 className={styles.cardTitle}>{props.title}</h2>}
            {props.lead && <p className={styles.cardLead}>{props.lead}</p>}
          </div>
          {props.actions && <div className={styles.actions}>{props.actions}</div>}
        </div>
      )}
      {props.children}
    </section>
  )
}

/** Fields one below the other; the form's buttons last. */
export function Stack(props: { children: ReactNode; gap?: 'small' | 'large' }) {
  return (
    <div
      className={cx(
        styles.stack,
        props.gap === 'small' && styles.tight,
        props.gap === 'large' && styles.loose,
      )}
    >
      {props.children}
    </div>
  )
}

export function Row(props: { children: ReactNode; end?: boolean }) {
  return <div className={cx(styles.row, props.end && styles.rowEnd)}>{props.children}</div>
}

/** Two columns where there is room. */
export function Columns(props: { children: ReactNode }) {
  return <div className={styles.columns}>{props.children}</div>
}

/** Terms and values of one thing. */
export function Facts(props: { items: readonly { term: string; value: ReactNode }[] }) {
  return (
    <dl className={styles.facts}>
      {props.items.map((item) => (
        <div key={item.term}>
          <dt>{item.term}</dt>
          <dd>{item.value}</dd>
        </div>
      ))}
    </dl>
  )
}

/** One number with its name. */
export function Stat(props: { label: string; value: string; note?: string }) {
  return (
    <div className={styles.stat}>
      <p className={styles.statLabel}>{props.label}</p>
      <p className={styles.statValue}>{props.value}</p>
      {props.note && <p className={styles.statNote}>{props.note}</p>}
    </div>
  )
}

export function Stats(props: { children: ReactNode }) {
  return <div className={styles.stats}>{props.children}</div>
}

export function Muted(props: { children: ReactNode }) {
  return <span className={styles.muted}>{props.children}</span>
}
