import { type ReactNode, useState } from 'react'
import styles from './app-logo.module.css'
import { cx } from './cx.ts'

/** An app's picture, or the first letter of its name. Its name always stands beside it. */
export function AppLogo(props: {
  of: { name: string; logo_uri: string | null }
  size?: 'small' | 'large'
}) {
  const { name, logo_uri: address } = props.of
  const [failed, setFailed] = useState<string | null>(null)
  const size = styles[props.size ?? 'small']
  if (address && failed !== address)
    return (
      <img
        src={address}
        alt=""
        className={cx(styles.logo, size)}
        onError={() => setFailed(address)}
      />
    )
  return (
    <span className={cx(styles.logo, styles.letter, size)} aria-hidden="true">
      {Array.from(name)[0]?.toUpperCase()}
    </span>
  )
}

/** Picture and name in one line, for lists. */
export function AppName(props: {
  of: { name: string; logo_uri: string | null }
  children: ReactNode
}) {
  return (
    <div className={styles.named}>
      <AppLogo of={props.of} />
      <div className={styles.name}>{props.children}</div>
    </div>
  )
}
