import { useQuery } from '@tanstack/react-query'
import { type Call, callsQuery } from '../../api/queries.ts'
import { Badge } from '../../design/badge.tsx'
import { Muted } from '../../design/page.tsx'
import { Loading, Refused } from '../../design/states.tsx'
import { Table } from '../../design/table.tsx'
import { useLanguage } from '../../messages/messages.tsx'

/** The newest calls, of one key or of all; asks again by itself, so a call shows within two seconds. */
export function RecentCalls(props: { keyId?: string }) {
  const { m, format } = useLanguage()
  const calls = useQuery(callsQuery(props.keyId))
  if (calls.isPending) return <Loading rows={3} />
  if (calls.error) return <Refused error={calls.error} retry={() => void calls.refetch()} />
  if (calls.data.items.length === 0) return <Muted>{m.keys.noCalls}</Muted>
  const keyName = (call: Call) =>
    call.key_name ?? (call.credential_kind === 'token' ? m.usage.token : m.usage.deletedKey)
  return (
    <Table
      caption={m.usage.calls}
      rows={calls.data.items}
      rowKey={(call) => call.request_id}
      columns={[
        { title: m.usage.time, main: true, cell: (call) => format.dateTime(call.at) },
        { title: m.usage.group.model, cell: (call) => call.model },
        ...(props.keyId ? [] : [{ title: m.usage.group.key, cell: keyName }]),
        {
          title: m.usage.status,
          cell: (call) => (
            <Badge tone={call.status < 400 ? 'good' : 'warn'}>{String(call.status)}</Badge>
          ),
        },
        {
          title: m.dashboard.inputTokens,
          align: 'end',
          cell: (call) => format.number(call.input_tokens),
        },
        {
          title: m.dashboard.outputTokens,
          align: 'end',
          cell: (call) => format.number(call.output_tokens),
        },
        { title: m.dashboard.cost, align: 'end', cell: (call) => format.money(call.cost_micros) },
      ]}
    />
  )
}
