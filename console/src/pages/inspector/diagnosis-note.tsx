import { Link } from '@tanstack/react-router'
import { Button } from '../../design/button.tsx'
import { Callout } from '../../design/callout.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import type { Comparison } from './compare.ts'
import type { Diagnosis } from './diagnose.ts'
import styles from './inspector.module.css'
import { useInspectorWords } from './words.ts'

/** What happened, what to do, and the way to the very setting. */
export function DiagnosisNote(props: { of: Diagnosis; onSetting(): void }) {
  const { m, format } = useLanguage()
  const words = useInspectorWords()
  const { finding, tone, setting, difference, scopes, help } = props.of
  const { what, fix } = words.findings[finding]
  return (
    <Callout tone={tone}>
      <p>
        <strong>{words.diagnosis.happened}</strong> {what}
      </p>
      {difference && <Differ of={difference} />}
      {scopes.length > 0 && <p>{words.diagnosis.refusedScopes(format.list(scopes))}</p>}
      <p>
        <strong>{words.diagnosis.fix}</strong> {fix}
      </p>
      <div className={styles.actions}>
        {setting && (
          <Button size="small" onClick={props.onSetting}>
            {words.diagnosis.change[setting]}
          </Button>
        )}
        <Link to={help}>{m.common.helpWithThis}</Link>
      </div>
    </Callout>
  )
}

/** Two addresses one below the other, marked from the first character that differs. */
function Differ(props: { of: Comparison }) {
  const words = useInspectorWords()
  const { registered, sent, agree, kind } = props.of
  const marked = (text: string) => (
    <code className={styles.address}>
      {text.slice(0, agree)}
      {text.length > agree ? <mark>{text.slice(agree)}</mark> : <mark>{words.diagnosis.ends}</mark>}
    </code>
  )
  return (
    <div className={styles.differ}>
      <dl>
        <dt>{words.diagnosis.registered}</dt>
        <dd>{marked(registered)}</dd>
        <dt>{words.diagnosis.sentValue}</dt>
        <dd>{marked(sent)}</dd>
      </dl>
      <p>
        {words.diagnosis.differAt(agree + 1)} {words.diagnosis.differences[kind]}
      </p>
    </div>
  )
}
