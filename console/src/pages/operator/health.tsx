import { useQuery } from '@tanstack/react-query'
import { Badge } from '../../design/badge.tsx'
import { Card, Facts, Muted, PageHeader, Stack } from '../../design/page.tsx'
import { Loading, Refused } from '../../design/states.tsx'
import { Table } from '../../design/table.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { healthQuery, upstreamsQuery } from './queries.ts'

export function OperatorHealth() {
  const { m } = useLanguage()
  return (
    <>
      <PageHeader title={m.health.title} lead={m.health.lead} />
      <Stack gap="large">
        <ThisNode />
        <Upstreams />
      </Stack>
    </>
  )
}

function ThisNode() {
  const { m, format } = useLanguage()
  const health = useQuery(healthQuery)
  const words = m.health
  if (health.isPending) return <Loading rows={4} tall />
  if (health.error) return <Refused error={health.error} retry={() => void health.refetch()} />
  const { data } = health
  return (
    <Card
      title={words.checks}
      actions={
        <Badge tone={data.status === 'ready' ? 'good' : 'warn'}>
          {words.statuses[data.status]}
        </Badge>
      }
    >
      <Table
        caption={words.checks}
        rows={data.checks}
        rowKey={(check) => check.name}
        columns={[
          { title: words.part, main: true, cell: (check) => check.name },
          {
            title: words.answer,
            cell: (check) => (
              <>
                <Badge tone={check.ok ? 'good' : check.weight === 'required' ? 'danger' : 'warn'}>
                  {check.ok ? words.ok : words.notOk}
                </Badge>{' '}
                {check.detail && <Muted>{check.detail}</Muted>}
              </>
            ),
          },
          {
            title: words.took,
            align: 'end',
            cell: (check) => words.milliseconds(format.number(Math.round(check.duration_ms))),
          },
        ]}
      />
      <Facts
        items={[
          { term: words.uptime, value: format.dateTime(Date.now() - data.uptime_seconds * 1000) },
          { term: words.mode, value: data.mode },
          { term: words.database, value: data.database },
          { term: words.redis, value: data.redis ? words.yes : words.no },
          { term: words.node, value: data.node_version },
          { term: words.overdue, value: format.number(data.overdue_appeals) },
          { term: words.undelivered, value: format.number(data.undelivered_logouts) },
        ]}
      />
    </Card>
  )
}

function Upstreams() {
  const { m, format } = useLanguage()
  const upstreams = useQuery(upstreamsQuery)
  const words = m.health
  return (
    <Card title={words.upstreams}>
      {upstreams.isPending ? (
        <Loading rows={2} />
      ) : upstreams.error ? (
        <Refused error={upstreams.error} retry={() => void upstreams.refetch()} />
      ) : upstreams.data.length === 0 ? (
        <Muted>{words.noUpstreams}</Muted>
      ) : (
        <Table
          caption={words.upstreams}
          rows={upstreams.data}
          rowKey={(upstream) => upstream.name}
          columns={[
            { title: words.upstream, main: true, cell: (upstream) => upstream.name },
            { title: words.models, cell: (upstream) => format.list(upstream.models) },
            {
              title: words.answer,
              cell: (upstream) => (
                <>
                  <Badge tone={upstream.healthy ? 'good' : 'danger'}>
                    {upstream.healthy ? words.ok : words.notOk}
                  </Badge>{' '}
                  {upstream.detail && <Muted>{upstream.detail}</Muted>}
                </>
              ),
            },
          ]}
        />
      )}
    </Card>
  )
}
