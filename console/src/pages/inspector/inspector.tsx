import { useQuery, useSuspenseQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { call } from '../../api/client.ts'
import { appQuery, consoleQuery, type OAuthApp } from '../../api/queries.ts'
import { PageHeader, Stack } from '../../design/page.tsx'
import { Loading, Refused } from '../../design/states.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { EditApp } from '../apps/edit.tsx'
import { FlowRun } from './flow-run.tsx'
import { RunningTest, StartTest, type TestSession } from './session.tsx'
import { useInspectorWords } from './words.ts'

/** `/apps/{client_id}/inspector`: an owner runs the flows of one app and sees what goes over the wire. */
export function InspectorPage() {
  const { m } = useLanguage()
  const { clientId } = useParams({ from: '/inside/apps/$clientId/inspector' })
  const app = useQuery(appQuery(clientId))
  const back = { to: `/apps/${clientId}`, label: app.data?.name ?? m.apps.title }
  // As it was read last, too: a test that ends the session is to stay readable.
  if (app.data) return <Inspector of={app.data} back={back} />
  if (app.isPending) return <Loading rows={5} tall />
  return (
    <>
      <PageHeader title={m.apps.test} back={{ to: '/apps', label: m.apps.title }} />
      <Refused error={app.error} retry={() => void app.refetch()} />
    </>
  )
}

function Inspector(props: { of: OAuthApp; back: { to: string; label: string } }) {
  const words = useInspectorWords()
  const { of: app } = props
  const { data: server } = useSuspenseQuery(consoleQuery)
  const [session, setSession] = useState<TestSession | null>(null)
  const [starting, setStarting] = useState(true)
  const [editing, setEditing] = useState(false)
  useEndOnLeaving(app.client_id, session !== null)
  const redirectUri = `${server.origin}/apps/${app.client_id}/inspector/callback`
  return (
    <>
      <PageHeader title={words.title(app.name)} lead={words.lead} back={props.back} />
      <Stack gap="large">
        {starting ? (
          <StartTest
            app={app}
            redirectUri={redirectUri}
            onStart={(opened) => {
              setSession(opened)
              setStarting(false)
            }}
          />
        ) : (
          session && (
            <RunningTest
              clientId={app.client_id}
              session={session}
              onEnded={() => {
                setSession(null)
                setStarting(true)
              }}
              onAgain={() => setStarting(true)}
            />
          )
        )}
        {session && (
          <FlowRun app={app} server={server} session={session} onSetting={() => setEditing(true)} />
        )}
      </Stack>
      {editing && <EditApp of={app} onClose={() => setEditing(false)} />}
    </>
  )
}

/** Whoever leaves the page has finished testing; what is forgotten ends by itself. */
function useEndOnLeaving(clientId: string, open: boolean): void {
  useEffect(() => {
    if (!open) return
    return () => {
      const params = { client_id: clientId }
      void call('DELETE /api/apps/{client_id}/inspection', { params }).catch(() => undefined)
    }
  }, [clientId, open])
}
