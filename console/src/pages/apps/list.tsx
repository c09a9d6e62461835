import { useMutation, useQuery, useQueryClient, useSuspenseQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useForm } from 'react-hook-form'
import { call } from '../../api/client.ts'
import { appsQuery, consoleQuery } from '../../api/queries.ts'
import { AppName } from '../../design/app-logo.tsx'
import { Button, LinkButton } from '../../design/button.tsx'
import { Dialog } from '../../design/dialog.tsx'
import { Card, Muted, PageHeader } from '../../design/page.tsx'
import { Empty, Loading, RefusalNote, Refused } from '../../design/states.tsx'
import { Table } from '../../design/table.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { AppForm } from './app-form.tsx'
import { AppSecret } from './app-secret.tsx'
import { type AppValues, emptyApp, kindOf, type NewApp, newAppBody } from './app-values.ts'

export function Apps() {
  const { m, format } = useLanguage()
  const { data: server } = useSuspenseQuery(consoleQuery)
  const apps = useQuery(appsQuery)
  const [creating, setCreating] = useState(false)
  const [made, setMade] = useState<NewApp | null>(null)
  const words = m.apps
  const button = server.account?.state !== 'suspended' && (
    <Button kind="primary" icon="plus" onClick={() => setCreating(true)}>
      {words.create}
    </Button>
  )
  return (
    <>
      <PageHeader
        title={words.title}
        lead={words.lead}
        actions={(apps.data?.length ?? 0) > 0 && button}
      />
      <Card>
        {apps.isPending ? (
          <Loading rows={3} />
        ) : apps.error ? (
          <Refused error={apps.error} retry={() => void apps.refetch()} />
        ) : apps.data.length === 0 ? (
          <Empty icon="apps" title={words.empty} text={words.emptyText} action={button} />
        ) : (
          <Table
            caption={words.caption}
            rows={apps.data}
            rowKey={(app) => app.client_id}
            columns={[
              {
                title: words.name,
                main: true,
                cell: (app) => (
                  <AppName of={app}>
                    <Link to="/apps/$clientId" params={{ clientId: app.client_id }}>
                      {app.name}
                    </Link>
                  </AppName>
                ),
              },
              { title: words.clientId, cell: (app) => <code>{app.client_id}</code> },
              { title: words.type, cell: (app) => words.types[kindOf(app)] },
              { title: m.common.created, cell: (app) => format.date(app.created_at) },
              {
                title: m.common.lastUsed,
                cell: (app) =>
                  app.last_used_at ? (
                    format.relative(app.last_used_at)
                  ) : (
                    <Muted>{m.common.never}</Muted>
                  ),
              },
              {
                title: m.common.actions,
                quiet: true,
                cell: (app) => (
                  <LinkButton
                    size="small"
                    to="/apps/$clientId/inspector"
                    params={{ clientId: app.client_id }}
                  >
                    {words.testShort}
                    <span className="visually-hidden"> {app.name}</span>
                  </LinkButton>
                ),
              },
            ]}
          />
        )}
      </Card>
      {creating && (
        <RegisterApp
          onClose={() => setCreating(false)}
          onCreated={(app) => {
            setCreating(false)
            setMade(app)
          }}
        />
      )}
      {made && <AppSecret app={made} server={server} onClose={() => setMade(null)} />}
    </>
  )
}

function RegisterApp(props: { onClose(): void; onCreated(app: NewApp): void }) {
  const { m } = useLanguage()
  const queryClient = useQueryClient()
  const form = useForm<AppValues>({ defaultValues: emptyApp })
  const create = useMutation({
    mutationFn: (values: AppValues) => call('POST /api/apps', { body: newAppBody(values) }),
    onSuccess: async (app) => {
      props.onCreated(app)
      await queryClient.invalidateQueries({ queryKey: appsQuery.queryKey })
    },
    gcTime: 0, // the answer holds the secret
  })
  return (
    <Dialog
      open
      wide
      onClose={props.onClose}
      title={m.apps.createTitle}
      footer={
        <>
          <Button kind="quiet" onClick={props.onClose}>
            {m.common.cancel}
          </Button>
          <Button type="submit" form="register-app" kind="primary" busy={create.isPending}>
            {m.apps.createAction}
          </Button>
        </>
      }
    >
      <form
        id="register-app"
        noValidate
        onSubmit={form.handleSubmit((values) => create.mutate(values))}
      >
        <AppForm form={form} error={create.error} creating />
      </form>
      <RefusalNote error={create.error} />
    </Dialog>
  )
}
