import { useQuery } from '@tanstack/react-query'
import { type Account, appsQuery, keysQuery } from '../../api/queries.ts'
import { Badge } from '../../design/badge.tsx'
import { LinkButton } from '../../design/button.tsx'
import { Icon } from '../../design/icon.tsx'
import { Card } from '../../design/page.tsx'
import { Loading } from '../../design/states.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import styles from './next-steps.module.css'

type StepName = 'verify' | 'key' | 'call' | 'usage' | 'app'

/** The way in, read off what is really there; nobody ticks anything. Gone when all is done. */
export function NextSteps(props: { account: Account; called: boolean }) {
  const { m } = useLanguage()
  const keys = useQuery(keysQuery)
  const apps = useQuery(appsQuery)
  if (keys.isPending || apps.isPending) return <Loading rows={3} tall />
  const done: Record<StepName, boolean> = {
    verify: props.account.email_verified,
    key: (keys.data?.length ?? 0) > 0,
    call: props.called,
    usage: props.called,
    app: (apps.data?.length ?? 0) > 0,
  }
  const names = Object.keys(done) as StepName[] // the literal above has exactly these members
  const finished = names.filter((name) => done[name]).length
  if (finished === names.length) return null
  const current = names.find((name) => !done[name])
  const { steps, go } = m.dashboard
  const links = {
    verify: { to: '/verify' },
    key: { to: '/keys' },
    call: { to: '/', hash: 'first-call' },
    usage: { to: '/usage' },
    app: { to: '/apps' },
  } as const
  return (
    <Card
      title={m.dashboard.nextTitle}
      actions={<Badge tone="accent">{m.dashboard.progress(finished, names.length)}</Badge>}
    >
      <ol className={styles.steps}>
        {names.map((name, index) => (
          <li key={name} className={styles.step} data-done={done[name]}>
            <span className={styles.dot} aria-hidden="true">
              {done[name] ? <Icon name="check" size={16} /> : index + 1}
            </span>
            <div className={styles.text}>
              <p className={styles.title}>
                {steps[name].title}
                {done[name] && <span className="visually-hidden"> ({m.dashboard.doneLabel})</span>}
              </p>
              {!done[name] && <p className={styles.more}>{steps[name].text}</p>}
            </div>
            {!done[name] && (
              <LinkButton
                size="small"
                kind={name === current ? 'primary' : 'secondary'}
                {...links[name]}
              >
                {go[name]}
              </LinkButton>
            )}
          </li>
        ))}
      </ol>
    </Card>
  )
}
