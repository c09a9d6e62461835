import { useLanguage } from '../../messages/messages.tsx'
import styles from './devices.module.css'

/** What “sign out everywhere” ends and what it leaves alone, for oneself or as an operator says it. */
export function EndsAndStays(props: { of: 'self' | 'person' }) {
  const { m } = useLanguage()
  const words = m.endEverything
  const { ends, stays } = words[props.of]
  return (
    <div className={styles.lists}>
      <div>
        <h3>{words.endsTitle}</h3>
        <ul>
          {ends.map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
      </div>
      <div>
        <h3>{words.staysTitle}</h3>
        <ul>
          {stays.map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
      </div>
    </div>
  )
}
