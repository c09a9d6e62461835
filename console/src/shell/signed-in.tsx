import { Dialog } from '@base-ui/react/dialog'
import { useQueryClient, useSuspenseQuery } from '@tanstack/react-query'
import { Link, Outlet, useLocation, useNavigate } from '@tanstack/react-router'
import { type ReactNode, useEffect, useState } from 'react'
import { call } from '../api/client.ts'
import { consoleQuery } from '../api/queries.ts'
import { Badge } from '../design/badge.tsx'
import { Icon } from '../design/icon.tsx'
import { Wordmark } from '../design/mark.tsx'
import { toast } from '../design/toast.tsx'
import { useLanguage } from '../messages/messages.tsx'
import { Controls } from './controls.tsx'
import { navigation } from './navigation.ts'
import styles from './shell.module.css'
import { StandingBanner } from './standing-banner.tsx'

export function SignedIn() {
  return (
    <ConsoleFrame>
      <Outlet />
    </ConsoleFrame>
  )
}

/** Sidebar on wide screens, a bar with a sheet on narrow ones; the page beside or below it. */
export function ConsoleFrame(props: { children: ReactNode }) {
  const { m } = useLanguage()
  const [open, setOpen] = useState(false)
  const { pathname } = useLocation()
  // biome-ignore lint/correctness/useExhaustiveDependencies: going somewhere closes the sheet
  useEffect(() => setOpen(false), [pathname])
  return (
    <div className={styles.frame}>
      <header className={styles.topBar}>
        <Link to="/" className={styles.brand}>
          <Wordmark />
        </Link>
        <Dialog.Root open={open} onOpenChange={setOpen}>
          <Dialog.Trigger className={styles.menuButton} aria-label={m.nav.open}>
            <Icon name="menu" />
          </Dialog.Trigger>
          <Dialog.Portal>
            <Dialog.Backdrop className={styles.sheetBackdrop} />
            <Dialog.Popup className={styles.sheet}>
              <Dialog.Title className="visually-hidden">{m.nav.label}</Dialog.Title>
              <div className={styles.sheetTop}>
                <Wordmark />
                <Dialog.Close className={styles.menuButton} aria-label={m.common.close}>
                  <Icon name="close" />
                </Dialog.Close>
              </div>
              <Navigation />
            </Dialog.Popup>
          </Dialog.Portal>
        </Dialog.Root>
      </header>
      <aside className={styles.sidebar}>
        <Link to="/" className={styles.brand}>
          <Wordmark />
        </Link>
        <Navigation />
      </aside>
      <main id="main" tabIndex={-1} className={styles.main}>
        <StandingBanner />
        {props.children}
      </main>
    </div>
  )
}

function Navigation() {
  const { m } = useLanguage()
  const { data } = useSuspenseQuery(consoleQuery)
  if (!data.account) return null
  return (
    <div className={styles.navBody}>
      <nav aria-label={m.nav.label} className={styles.nav}>
        {navigation(data.account.role, m).map((group) => (
          <div key={group.title} className={styles.navGroup}>
            {group.title && <p className={styles.navTitle}>{group.title}</p>}
            <ul>
              {group.items.map((item) => (
                <li key={item.to}>
                  <Link
                    to={item.to}
                    className={styles.navLink}
                    activeOptions={{ exact: item.to === '/' }}
                    activeProps={{ 'aria-current': 'page' }}
                  >
                    <Icon name={item.icon} />
                    {item.title}
                  </Link>
                </li>
              ))}
            </ul>
          </div>
        ))}
      </nav>
      <div className={styles.navFoot}>
        {data.demo && <Badge tone="accent">{m.demo}</Badge>}
        <Controls />
        <Person name={data.account.name} email={data.account.email} />
      </div>
    </div>
  )
}

function Person(props: { name: string; email: string }) {
  const { m } = useLanguage()
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  const signOut = async () => {
    await call('DELETE /api/sessions/{id}', { params: { id: 'current' } }).catch(() => undefined)
    queryClient.clear()
    await queryClient.fetchQuery(consoleQuery)
    toast(m.nav.signedOut)
    await navigate({ to: '/' })
  }
  return (
    <div className={styles.person}>
      <span className={styles.avatar} aria-hidden="true">
        {Array.from(props.name)[0]?.toUpperCase()}
      </span>
      <span className={styles.personText}>
        <span className={styles.personName}>{props.name}</span>
        <span className={styles.personMail}>{props.email}</span>
      </span>
      <button
        type="button"
        className={styles.signOut}
        aria-label={m.nav.signOut}
        title={m.nav.signOut}
        onClick={() => void signOut()}
      >
        <Icon name="exit" />
      </button>
    </div>
  )
}
