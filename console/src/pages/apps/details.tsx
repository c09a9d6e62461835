import { useMutation, useQuery, useQueryClient, useSuspenseQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { call } from '../../api/client.ts'
import { appQuery, appsQuery, consoleQuery, type OAuthApp } from '../../api/queries.ts'
import { Button, LinkButton } from '../../design/button.tsx'
import { Confirm } from '../../design/confirm.tsx'
import { CopyBox } from '../../design/copy.tsx'
import { Card, Facts, PageHeader, Stack } from '../../design/page.tsx'
import { Loading, Refused } from '../../design/states.tsx'
import { toast } from '../../design/toast.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { SignInSnippet } from './app-secret.tsx'
import { kindOf } from './app-values.ts'
import { EditApp } from './edit.tsx'
import { Logo } from './logo.tsx'
import { LogoutDeliveries } from './logout-deliveries.tsx'
import { scopeWords } from './scope-words.ts'
import { Secrets } from './secrets.tsx'

export function AppDetails() {
  const { m } = useLanguage()
  const { clientId } = useParams({ from: '/inside/apps/$clientId' })
  const app = useQuery(appQuery(clientId))
  if (app.isPending) return <Loading rows={5} tall />
  if (app.error)
    return (
      <>
        <PageHeader title={m.apps.title} back={{ to: '/apps', label: m.apps.title }} />
        <Refused error={app.error} retry={() => void app.refetch()} />
      </>
    )
  return <Details of={app.data} />
}

function Details(props: { of: OAuthApp }) {
  const { m, format } = useLanguage()
  const app = props.of
  const { data: server } = useSuspenseQuery(consoleQuery)
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  const [step, setStep] = useState<'edit' | 'remove' | null>(null)
  const words = m.apps
  const remove = useMutation({
    mutationFn: () =>
      call('DELETE /api/apps/{client_id}', { params: { client_id: app.client_id } }),
    onSuccess: async () => {
      toast(words.removed)
      await navigate({ to: '/apps' })
      await queryClient.invalidateQueries({ queryKey: appsQuery.queryKey })
    },
  })
  return (
    <>
      <PageHeader
        title={app.name}
        lead={words.types[kindOf(app)]}
        back={{ to: '/apps', label: words.title }}
        actions={
          <>
            <LinkButton
              to="/apps/$clientId/inspector"
              params={{ clientId: app.client_id }}
              kind="primary"
            >
              {words.test}
            </LinkButton>
            <Button onClick={() => setStep('edit')}>{words.edit}</Button>
            <Button kind="danger" onClick={() => setStep('remove')}>
              {words.remove}
            </Button>
          </>
        }
      />
      <Stack gap="large">
        <Card title={words.settings}>
          <CopyBox label={words.clientId} value={app.client_id} />
          <CopyBox
            label={words.endpoints}
            value={`${server.origin}/.well-known/openid-configuration`}
          />
          <Facts
            items={[
              ...(app.redirect_uris.length > 0
                ? [{ term: words.redirects, value: <Lines of={app.redirect_uris} /> }]
                : []),
              ...(app.post_logout_redirect_uris.length > 0
                ? [{ term: words.signedOutTo, value: <Lines of={app.post_logout_redirect_uris} /> }]
                : []),
              ...(app.backchannel_logout_uri === null
                ? []
                : [
                    { term: words.backchannel, value: <Lines of={[app.backchannel_logout_uri]} /> },
                  ]),
              {
                term: words.scopes,
                value: format.list(
                  app.scope
                    .split(' ')
                    .filter(Boolean)
                    .map((scope) => scopeWords(m, scope)),
                ),
              },
              {
                term: words.tokens,
                value: (
                  <>
                    {app.dpop_bound_access_tokens ? words.tokensBound : words.tokensEither}{' '}
                    <Link to="/help/$slug" params={{ slug: 'dpop' }}>
                      {words.tokensHelp}
                    </Link>
                  </>
                ),
              },
              { term: words.grace, value: format.number(app.refresh_grace_seconds) },
              { term: m.common.created, value: format.dateTime(app.created_at) },
            ]}
          />
        </Card>
        <Logo of={app} />
        <Secrets of={app} server={server} />
        {app.backchannel_logout_uri !== null && <LogoutDeliveries clientId={app.client_id} />}
        <Card title={words.snippet}>
          <SignInSnippet app={app} origin={server.origin} />
        </Card>
      </Stack>
      {step === 'edit' && <EditApp of={app} onClose={() => setStep(null)} />}
      <Confirm
        open={step === 'remove'}
        onClose={() => setStep(null)}
        title={words.removeTitle}
        consequence={words.removeText}
        action={words.removeAction}
        danger
        busy={remove.isPending}
        error={remove.error}
        onConfirm={() => remove.mutate()}
      />
    </>
  )
}

function Lines(props: { of: readonly string[] }) {
  return (
    <ul>
      {props.of.map((line) => (
        <li key={line}>
          <code>{line}</code>
        </li>
      ))}
    </ul>
  )
}
