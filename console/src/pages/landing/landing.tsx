import type { Console } from '../../api/queries.ts'
import { LinkButton } from '../../design/button.tsx'
import { CodeSnippet } from '../../design/copy.tsx'
import { usePageTitle } from '../../design/page-title.ts'
import { useLanguage } from '../../messages/messages.tsx'
import { OpenFrame } from '../../shell/open-frame.tsx'
import { snippets } from '../api-keys/snippets.ts'
import styles from './landing.module.css'

export function Landing(props: { server: Console }) {
  const { m } = useLanguage()
  const words = m.landing
  usePageTitle(words.title)
  return (
    <OpenFrame>
      <div className={styles.hero}>
        <div className={styles.pitch}>
          <h1 className={styles.title}>{words.title}</h1>
          <p className={styles.lead}>{words.lead}</p>
          <div className={styles.actions}>
            <LinkButton to="/sign-up" kind="primary">
              {words.signUp}
            </LinkButton>
            <LinkButton to="/sign-in">{words.signIn}</LinkButton>
          </div>
        </div>
        <div className={styles.snippet}>
          <CodeSnippet
            label={words.snippet}
            variants={snippets({ apiBase: props.server.api_base, model: 'MODEL', stream: false })}
          />
        </div>
      </div>
      <ul className={styles.points}>
        {words.points.map((point) => (
          <li key={point.title}>
            <h2 className={styles.pointTitle}>{point.title}</h2>
            <p className={styles.pointText}>{point.text}</p>
          </li>
        ))}
      </ul>
    </OpenFrame>
  )
}
