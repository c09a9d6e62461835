import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { type Answer, call } from '../../api/client.ts'
import { sessionsQuery } from '../../api/queries.ts'
import { Badge } from '../../design/badge.tsx'
import { Button } from '../../design/button.tsx'
import { Confirm } from '../../design/confirm.tsx'
import { Card, Muted, PageHeader } from '../../design/page.tsx'
import { Loading, Refused } from '../../design/states.tsx'
import { Table } from '../../design/table.tsx'
import { toast } from '../../design/toast.tsx'
import { useLanguage } from '../../messages/messages.tsx'

type Session = Answer<'GET /api/sessions'>['items'][number]

export function Devices() {
  const { m, format } = useLanguage()
  const sessions = useQuery(sessionsQuery)
  const queryClient = useQueryClient()
  const [ending, setEnding] = useState<Session | 'others' | null>(null)
  const words = m.devices
  const one = ending !== null && ending !== 'others' ? ending : null
  const end = useMutation({
    mutationFn: async (which: Session | 'others') => {
      if (which === 'others') await call('DELETE /api/sessions')
      else await call('DELETE /api/sessions/{id}', { params: { id: which.id } })
    },
    onSuccess: async (_, which) => {
      setEnding(null)
      toast(which === 'others' ? words.endedOthers : words.ended)
      await queryClient.invalidateQueries({ queryKey: sessionsQuery.queryKey })
    },
  })
  const others = (sessions.data?.length ?? 0) > 1
  return (
    <>
      <PageHeader
        title={words.title}
        lead={words.lead}
        actions={others && <Button onClick={() => setEnding('others')}>{words.endOthers}</Button>}
      />
      <Card>
        {sessions.isPending ? (
          <Loading rows={3} />
        ) : sessions.error ? (
          <Refused error={sessions.error} retry={() => void sessions.refetch()} />
        ) : (
          <>
            <Table
              caption={words.caption}
              rows={sessions.data}
              rowKey={(session) => session.id}
              columns={[
                { title: words.device, main: true, cell: (session) => session.device.name },
                { title: words.address, cell: (session) => <code>{session.address}</code> },
                { title: words.since, cell: (session) => format.dateTime(session.created_at) },
                { title: words.lastSeen, cell: (session) => format.relative(session.last_seen_at) },
                {
                  title: m.common.actions,
                  quiet: true,
                  cell: (session) =>
                    session.current ? (
                      <Badge tone="good">{words.current}</Badge>
                    ) : (
                      <Button size="small" onClick={() => setEnding(session)}>
                        {words.end}
                      </Button>
                    ),
                },
              ]}
            />
            {others && <Muted>{words.unknown}</Muted>}
          </>
        )}
      </Card>
      <Confirm
        open={one !== null}
        onClose={() => setEnding(null)}
        title={words.endTitle(one?.device.name ?? '')}
        consequence={words.endText}
        action={words.end}
        busy={end.isPending}
        error={end.error}
        onConfirm={() => one && end.mutate(one)}
      />
      <Confirm
        open={ending === 'others'}
        onClose={() => setEnding(null)}
        title={words.endOthersTitle}
        consequence={words.endOthersText}
        action={words.endOthers}
        busy={end.isPending}
        error={end.error}
        onConfirm={() => end.mutate('others')}
      />
    </>
  )
}
