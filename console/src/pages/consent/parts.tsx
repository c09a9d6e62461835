import type { ReactNode } from 'react'
import { Icon } from '../../design/icon.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import styles from './consent.module.css'

// What the pages share on which a person decides about an app: consent, a device's request, sign-out.

/** A few lines about somebody, the most telling one `strong`. */
export const Who = ({ children }: { children: ReactNode }) => (
  <div className={styles.who}>{children}</div>
)

export function SignedInAs({ account }: { account: { name: string; email: string } }) {
  const { m } = useLanguage()
  return (
    <Who>
      <span>{m.consent.signedInAs}</span>
      <strong>{account.name}</strong>
      <span>{account.email}</span>
    </Who>
  )
}

export function AskedScopes({
  scopes,
}: {
  scopes: readonly { name: string; title: string; description: string }[]
}) {
  const { m } = useLanguage()
  return (
    <div>
      <h2 className={styles.asks}>{m.consent.asks}</h2>
      <ul className={styles.scopes}>
        {scopes.map((scope) => (
          <li key={scope.name}>
            <Icon name="check" size={18} />
            <div>
              <p className={styles.scopeTitle}>{scope.title}</p>
              <p className={styles.scopeText}>{scope.description}</p>
            </div>
          </li>
        ))}
      </ul>
    </div>
  )
}

export const Consequence = ({ children }: { children: ReactNode }) => (
  <p className={styles.consequence}>{children}</p>
)

/** Two buttons of the same size, side by side. */
export const Choice = ({ children }: { children: ReactNode }) => (
  <div className={styles.buttons}>{children}</div>
)
