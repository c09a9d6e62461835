import { useQuery } from '@tanstack/react-query'
import { logoutDeliveriesQuery } from '../../api/queries.ts'
import { Badge } from '../../design/badge.tsx'
import { Listing } from '../../design/listing.tsx'
import { Card, Muted } from '../../design/page.tsx'
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
      <Listing of={list} rows={2} empty={<Muted>{words.deliveriesNone}</Muted>}>
        {(rows) => (
          <Table
            caption={words.deliveries}
            rows={rows}
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
                cell: (delivery) =>
                  delivery.last_error ? <code>{delivery.last_error}</code> : '—',
              },
            ]}
          />
        )}
      </Listing>
    </Card>
  )
}
