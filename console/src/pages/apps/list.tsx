import { useMutation, useQuery, useQueryClient, useSuspenseQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useForm } from 'react-hook-form'
import { call } from '../../api/client.ts'
import { appsQuery, consoleQuery } from '../../api/queries.ts'
import { Ago } from '../../design/ago.tsx'
import { AppName } from '../../design/app-logo.tsx'
import { Button, LinkButton } from '../../design/button.tsx'
import { FormDialog } from '../../design/form-dialog.tsx'
import { Listing } from '../../design/listing.tsx'
import { Card, PageHeader } from '../../design/page.tsx'
import { Empty } from '../../design/states.tsx'
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
        <Listing
          of={apps}
          empty={<Empty icon="apps" title={words.empty} text={words.emptyText} action={button} />}
        >
          {(rows) => (
            <Table
              caption={words.caption}
              rows={rows}
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
                  cell: (app) => <Ago at={app.last_used_at} />,
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
        </Listing>
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
    <FormDialog
      title={m.apps.createTitle}
      action={m.apps.createAction}
      busy={create.isPending}
      error={create.error}
      onSubmit={form.handleSubmit((values) => create.mutate(values))}
      onClose={props.onClose}
    >
      <AppForm form={form} error={create.error} creating />
    </FormDialog>
  )
}
