import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { Wordmark } from '../design/mark.tsx'
import { usePageTitle } from '../design/page-title.ts'
import { useLanguage } from '../messages/messages.tsx'
import { Controls } from './controls.tsx'
import styles from './shell.module.css'

/** The frame of pages without a sidebar, for people who are not signed in. */
export function OpenFrame(props: { children: ReactNode }) {
  const { m } = useLanguage()
  return (
    <div className={styles.open}>
      <header className={styles.openTop}>
        <Link to="/" className={styles.brand}>
          <Wordmark />
        </Link>
        <nav aria-label={m.nav.label} className={styles.openNav}>
          <Link to="/help" className={styles.openLink}>
            {m.nav.help}
          </Link>
          <Controls />
        </nav>
      </header>
      <main id="main" tabIndex={-1} className={styles.openMain}>
        {props.children}
      </main>
    </div>
  )
}

/** One form in the middle of the page: sign-in and its neighbours. */
export function FormFrame(props: {
  title: string
  /** Above the title: who the page is about. */
  picture?: ReactNode
  lead?: ReactNode
  children: ReactNode
  foot?: ReactNode
}) {
  usePageTitle(props.title)
  return (
    <div className={styles.open}>
      <header className={styles.openTop}>
        <Link to="/" className={styles.brand}>
          <Wordmark />
        </Link>
        <Controls />
      </header>
      <main id="main" tabIndex={-1} className={styles.formMain}>
        <div className={styles.formCard}>
          {props.picture}
          <h1 className={styles.formTitle}>{props.title}</h1>
          {props.lead && <div className={styles.formLead}>{props.lead}</div>}
          {props.children}
        </div>
        {props.foot && <div className={styles.formFoot}>{props.foot}</div>}
      </main>
    </div>
  )
}
