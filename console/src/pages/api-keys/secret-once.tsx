import { useSuspenseQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { consoleQuery } from '../../api/queries.ts'
import { Button } from '../../design/button.tsx'
import { Callout } from '../../design/callout.tsx'
import { CopyBox } from '../../design/copy.tsx'
import { Dialog } from '../../design/dialog.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { CallSnippets } from './call-snippets.tsx'

/** The one time a secret is seen. Leaving without having copied it asks once more. */
export function SecretOnce(props: { secret: string; onClose(): void }) {
  const { m } = useLanguage()
  const { data: server } = useSuspenseQuery(consoleQuery)
  const [copied, setCopied] = useState(false)
  const [leaving, setLeaving] = useState(false)
  const words = m.keys
  const leave = () => (copied || leaving ? props.onClose() : setLeaving(true))
  return (
    <Dialog
      open
      wide
      insist
      onClose={leave}
      title={words.secretTitle}
      footer={
        leaving ? (
          <>
            <Button onClick={() => setLeaving(false)}>{words.stay}</Button>
            <Button kind="danger" onClick={props.onClose}>
              {words.leaveAction}
            </Button>
          </>
        ) : (
          <Button kind="primary" onClick={props.onClose}>
            {words.secretDone}
          </Button>
        )
      }
    >
      {leaving && (
        <Callout tone="danger" title={words.leaveTitle}>
          <p>{words.leaveText}</p>
        </Callout>
      )}
      <Callout tone="warn" title={words.secretOnce}>
        <p>{words.secretOnceText}</p>
      </Callout>
      <CopyBox label={words.secretLabel} value={props.secret} onCopied={() => setCopied(true)} />
      <CallSnippets server={server} secret={props.secret} />
    </Dialog>
  )
}
