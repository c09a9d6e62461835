import type { Console, OAuthApp } from '../../api/queries.ts'
import { Button } from '../../design/button.tsx'
import { Callout } from '../../design/callout.tsx'
import { CodeBlock, CopyBox } from '../../design/copy.tsx'
import { Dialog } from '../../design/dialog.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { signInSnippet } from './sign-in-snippet.ts'

/** A new app or a new secret: the one time the secret is seen. */
export function AppSecret(props: {
  app: OAuthApp & { client_secret?: string | undefined }
  server: Console
  onClose(): void
}) {
  const { m } = useLanguage()
  const words = m.apps
  const { app } = props
  return (
    <Dialog
      open
      wide
      insist={app.client_secret !== undefined}
      onClose={props.onClose}
      title={words.secretTitle}
      footer={
        <Button kind="primary" onClick={props.onClose}>
          {app.client_secret ? m.keys.secretDone : m.common.done}
        </Button>
      }
    >
      {app.client_secret ? (
        <Callout tone="warn" title={words.secretOnce}>
          <p>{words.secretOnceText}</p>
        </Callout>
      ) : (
        <Callout>
          <p>{words.publicNote}</p>
        </Callout>
      )}
      <CopyBox label={words.clientId} value={app.client_id} />
      {app.client_secret && <CopyBox label={words.secretLabel} value={app.client_secret} />}
      <SignInSnippet app={app} origin={props.server.origin} />
    </Dialog>
  )
}

export function SignInSnippet(props: { app: OAuthApp; origin: string }) {
  const { m } = useLanguage()
  return (
    <>
      <p>{m.apps.snippetLead}</p>
      <CodeBlock label={m.apps.snippet} code={signInSnippet(props.app, props.origin)} />
    </>
  )
}
