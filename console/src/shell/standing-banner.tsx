import { useSuspenseQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { consoleQuery } from '../api/queries.ts'
import { Callout } from '../design/callout.tsx'
import { useLanguage } from '../messages/messages.tsx'
import styles from './shell.module.css'

/** On every page of a limited or suspended account: what that means and where the reason stands. */
export function StandingBanner() {
  const { m } = useLanguage()
  const { data } = useSuspenseQuery({ ...consoleQuery, refetchInterval: 15_000 })
  const state = data.account?.state
  if (state !== 'suspended' && state !== 'limited') return null
  const words = m.suspendedBanner
  return (
    <div className={styles.banner}>
      <Callout
        tone={state === 'suspended' ? 'danger' : 'warn'}
        title={state === 'suspended' ? words.title : words.limitedTitle}
      >
        <p>
          {state === 'suspended' ? words.text : words.limitedText}{' '}
          <Link to="/cases">{words.link}</Link>
        </p>
      </Callout>
    </div>
  )
}
