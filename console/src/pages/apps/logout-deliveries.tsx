import { useQuery } from '@tanstack/react-query'
import { logoutDeliveriesQuery } from '../../api/queries.ts'
import { Badge } from '../../design/badge.tsx'
import { Card, Muted } from '../../design/page.tsx'
import { Loading, Refused } from '../../design/states.tsx'
import { Table } from '../../design/table.tsx'
import { useLanguage } from '../../messages/messages.tsx'

const tones = { waiting: 'warn', sending: 'accent', sent: 'good', failed: 'danger' } as const

/** Whether what we tell the app's server arrives; for whoever wonders why people stay signed in there. */
export function LogoutDeliveries(props: { clientId: string }) {
  const { m, format } = useLanguage()
  const words = m.apps
  const list = useQuery(logoutDeliveriesQuery(props.clientId))
  return (
    <Card title={words.deliveries} lead={words.deliveriesLead}>
      {list.isPending ? (
        <Loading rows={2} />
      ) : list.error ? (
        <Refused error={list.error} retry={() => void list.refetch()} />
      ) : list.data.length === 0 ? (
        <Muted>{words.deliveriesNone}</Muted>
      ) : (
        <Table
          caption={words.deliveries}
          rows={list.data}
          rowKey={(delivery) => delivery.id}
          columns={[
            {
              title: words.deliveryAt,
              main: true,
              cell: (delivery) => format.dateTime(delivery.at),
            },
            {
              title: words.deliveryState,
              cell: (delivery) => (
                <Badge tone={tones[delivery.state]}>{words.deliveryStates[delivery.state]}</Badge>
              ),
            },
            {
              title: words.deliveryAttempts,
              align: 'end',
              cell: (delivery) => format.number(delivery.attempts),
            },
            {
              title: words.deliveryError,
              cell: (delivery) => (delivery.last_error ? <code>{delivery.last_error}</code> : '—'),
            },
          ]}
        />
      )}
    </Card>
  )
}
