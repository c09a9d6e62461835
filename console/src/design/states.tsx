import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { Refusal } from '../api/client.ts'
import { useLanguage } from '../messages/messages.tsx'
import { Button } from './button.tsx'
import { Callout } from './callout.tsx'
import { Icon, type IconName } from './icon.tsx'
import styles from './states.module.css'

/** Nothing here yet: what it would hold and the one thing to do about it. */
export function Empty(props: {
  icon: IconName
  title: string
  text: ReactNode
  action?: ReactNode
}) {
  return (
    <div className={styles.empty}>
      <span className={styles.emptyIcon}>
        <Icon name={props.icon} size={24} />
      </span>
      <h2 className={styles.emptyTitle}>{props.title}</h2>
      <p className={styles.emptyText}>{props.text}</p>
      {props.action}
    </div>
  )
}

/** Keeps the place of what is on its way; says so once to screen readers. */
export function Loading(props: { rows?: number; tall?: boolean }) {
  const { m } = useLanguage()
  const rows = Array.from({ length: props.rows ?? 3 }, (_, index) => index)
  return (
    <div className={styles.loading} role="status">
      <span className="visually-hidden">{m.common.loading}</span>
      {rows.map((row) => (
        <span key={row} className={props.tall ? styles.barTall : styles.bar} />
      ))}
    </div>
  )
}

/** A refusal inside a form or dialog; nothing without one. */
export function RefusalNote(props: { error: unknown }) {
  const text = useRefusalText(props.error)
  if (!text) return null
  return (
    <Callout tone="danger" title={text.title}>
      <p>{text.detail}</p>
      {text.fields.map((field) => (
        <p key={`${field.field}${field.code}`}>
          <code>{field.field}</code> {field.message}
        </p>
      ))}
      {text.help && (
        <p>
          <HelpLink path={text.help} />
        </p>
      )}
    </Callout>
  )
}

/** A whole view that could not be shown, with the way on. */
export function Refused(props: { error: unknown; retry?: () => void }) {
  const { m } = useLanguage()
  const text = useRefusalText(props.error)
  if (!text) return null
  return (
    <div className={styles.empty} role="alert">
      <span className={styles.emptyIcon}>
        <Icon name="alert" size={24} />
      </span>
      <h2 className={styles.emptyTitle}>{text.title}</h2>
      <p className={styles.emptyText}>{text.detail}</p>
      <div className={styles.actions}>
        {props.retry && <Button onClick={props.retry}>{m.common.tryAgain}</Button>}
        {text.help && <HelpLink path={text.help} />}
      </div>
      {text.requestId && (
        <p className={styles.requestId}>
          {m.common.requestId} <code>{text.requestId}</code>
        </p>
      )}
    </div>
  )
}

function HelpLink(props: { path: string }) {
  const { m } = useLanguage()
  return <Link to={props.path}>{m.common.helpWithThis}</Link>
}

/** A refusal's words: the server's, or ours where no answer came. */
export function useRefusalText(error: unknown) {
  const { m } = useLanguage()
  if (!error) return null
  if (error instanceof Refusal && error.title !== '')
    return {
      title: error.title,
      detail: error.detail,
      help: error.help,
      fields: error.fields,
      requestId: error.requestId,
    }
  const offline = error instanceof Refusal && error.status === 0
  const own = offline ? m.errors.network : m.errors.unexpected
  return { ...own, help: '/help/service-status', fields: [], requestId: null }
}

/** The message of one field, for forms that place it beside the field. */
export const fieldError = (error: unknown, field: string): string | undefined =>
  error instanceof Refusal ? error.fields.find((one) => one.field === field)?.message : undefined
