import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { type Answer, call } from '../../api/client.ts'
import { appsQuery, type Console, type OAuthApp } from '../../api/queries.ts'
import { Badge } from '../../design/badge.tsx'
import { Button } from '../../design/button.tsx'
import { Card, Muted } from '../../design/page.tsx'
import { RotateDialog } from '../../design/rotate-dialog.tsx'
import { Table } from '../../design/table.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { AppSecret } from './app-secret.tsx'

type Secret = OAuthApp['secrets'][number]
type State = 'current' | 'ending' | 'temporary'

const stateOf = (secret: Secret): State =>
  secret.temporary ? 'temporary' : secret.expires_at === null ? 'current' : 'ending'

/** Which secrets work now, what each is for, and how long those still do that a newer one replaced. */
export function Secrets(props: { of: OAuthApp; server: Console }) {
  const { m, format } = useLanguage()
  const { of: app } = props
  const queryClient = useQueryClient()
  const [rotating, setRotating] = useState(false)
  const [made, setMade] = useState<Answer<'POST /api/apps/{client_id}/secrets'> | null>(null)
  const words = m.apps
  if (!app.token_endpoint_auth_method.startsWith('client_secret'))
    return <Card title={words.secrets} lead={words.noSecrets} />
  const tones = { current: 'good', ending: 'warn', temporary: 'neutral' } as const
  return (
    <Card
      title={words.secrets}
      lead={words.secretsLead}
      actions={<Button onClick={() => setRotating(true)}>{words.rotate}</Button>}
    >
      <Table
        caption={words.secrets}
        rows={app.secrets}
        rowKey={(secret) => secret.created_at + secret.hint}
        columns={[
          { title: words.secretHint, main: true, cell: (secret) => <code>{secret.hint}</code> },
          {
            title: m.common.state,
            cell: (secret) => (
              <Badge tone={tones[stateOf(secret)]}>{words.secretStates[stateOf(secret)]}</Badge>
            ),
          },
          { title: m.common.created, cell: (secret) => format.dateTime(secret.created_at) },
          {
            title: m.common.expires,
            cell: (secret) =>
              secret.expires_at ? (
                <span>
                  {format.relative(secret.expires_at)}{' '}
                  <Muted>{format.dateTime(secret.expires_at)}</Muted>
                </span>
              ) : (
                <Muted>{m.common.noEnd}</Muted>
              ),
          },
        ]}
      />
      {rotating && (
        <RotateDialog
          title={words.rotateTitle}
          text={words.rotateText}
          action={words.rotateAction}
          rotate={(overlap_seconds) =>
            call('POST /api/apps/{client_id}/secrets', {
              params: { client_id: app.client_id },
              body: { overlap_seconds },
            })
          }
          onRotated={async (next) => {
            setRotating(false)
            setMade(next)
            await queryClient.invalidateQueries({ queryKey: appsQuery.queryKey })
          }}
          onClose={() => setRotating(false)}
        />
      )}
      {made && <AppSecret app={made} server={props.server} onClose={() => setMade(null)} />}
    </Card>
  )
}
