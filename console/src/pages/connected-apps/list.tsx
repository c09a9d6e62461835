import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { type Answer, call } from '../../api/client.ts'
import { grantsQuery } from '../../api/queries.ts'
import { Ago } from '../../design/ago.tsx'
import { AppName } from '../../design/app-logo.tsx'
import { Button } from '../../design/button.tsx'
import { Confirm } from '../../design/confirm.tsx'
import { Listing } from '../../design/listing.tsx'
import { Card, Muted, PageHeader, Stack } from '../../design/page.tsx'
import { Empty } from '../../design/states.tsx'
import { Table } from '../../design/table.tsx'
import { toast } from '../../design/toast.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { scopeWords } from '../apps/scope-words.ts'

type Grant = Answer<'GET /api/grants'>['items'][number]

export function ConnectedApps() {
  const { m, format } = useLanguage()
  const grants = useQuery(grantsQuery)
  const queryClient = useQueryClient()
  const [ending, setEnding] = useState<Grant | null>(null)
  const words = m.connected
  const revoke = useMutation({
    mutationFn: (id: string) => call('DELETE /api/grants/{id}', { params: { id } }),
    onSuccess: async () => {
      setEnding(null)
      toast(words.revoked)
      await queryClient.invalidateQueries({ queryKey: grantsQuery.queryKey })
    },
  })
  // Taking one entry back ends all of its app.
  const elsewhere = [
    ...new Set(
      (grants.data ?? [])
        .filter((grant) => grant.client.client_id === ending?.client.client_id)
        .flatMap((grant) => grant.resource?.name ?? []),
    ),
  ]
  return (
    <>
      <PageHeader title={words.title} lead={words.lead} />
      <Card>
        <Listing
          of={grants}
          empty={<Empty icon="link" title={words.empty} text={words.emptyText} />}
        >
          {(rows) => (
            <Table
              caption={words.caption}
              rows={rows}
              rowKey={(grant) => grant.id}
              columns={[
                {
                  title: words.app,
                  main: true,
                  cell: (grant) => (
                    <AppName of={grant.client}>
                      <Stack gap="small">
                        <span>{grant.client.name}</span>
                        <Muted>{grant.client.host || words.device}</Muted>
                      </Stack>
                    </AppName>
                  ),
                },
                {
                  title: words.may,
                  cell: (grant) => (
                    <Stack gap="small">
                      <span>
                        {format.list(
                          grant.scopes.map(
                            (scope) => grant.resource?.scopes[scope] ?? scopeWords(m, scope),
                          ),
                        )}
                      </span>
                      {grant.resource && (
                        <Muted>{words.at(grant.resource.name, grant.resource.host)}</Muted>
                      )}
                    </Stack>
                  ),
                },
                { title: words.since, cell: (grant) => format.date(grant.created_at) },
                {
                  title: m.common.lastUsed,
                  cell: (grant) => <Ago at={grant.last_used_at} />,
                },
                {
                  title: m.common.actions,
                  quiet: true,
                  cell: (grant) => (
                    <Button size="small" kind="danger" onClick={() => setEnding(grant)}>
                      {words.revoke}
                    </Button>
                  ),
                },
              ]}
            />
          )}
        </Listing>
      </Card>
      <Confirm
        open={ending !== null}
        onClose={() => setEnding(null)}
        title={words.revokeTitle(ending?.client.name ?? '')}
        consequence={
          elsewhere.length > 0 ? words.revokeTextAt(format.list(elsewhere)) : words.revokeText
        }
        action={words.revokeAction}
        danger
        busy={revoke.isPending}
        error={revoke.error}
        onConfirm={() => ending && revoke.mutate(ending.id)}
      />
    </>
  )
}
