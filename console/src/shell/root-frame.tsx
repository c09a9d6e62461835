import { Outlet, useLocation } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import { useLanguage } from '../messages/messages.tsx'
import { ProveAgain } from './prove-again.tsx'
import styles from './shell.module.css'

/** What every page has: the skip link, and focus that follows navigation to the new page's start. */
export function RootFrame() {
  const { m } = useLanguage()
  const { pathname } = useLocation()
  const first = useRef(true)
  // biome-ignore lint/correctness/useExhaustiveDependencies: the effect is about the address changing
  useEffect(() => {
    if (first.current) {
      first.current = false
      return
    }
    document.getElementById('main')?.focus({ preventScroll: true })
  }, [pathname])
  return (
    <>
      <a href="#main" className={styles.skip}>
        {m.nav.skip}
      </a>
      <Outlet />
      <ProveAgain />
    </>
  )
}
