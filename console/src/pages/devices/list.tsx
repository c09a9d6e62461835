import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { call } from '../../api/client.ts'
import { devicesQuery } from '../../api/queries.ts'
import { Badge } from '../../design/badge.tsx'
import { Button } from '../../design/button.tsx'
import { Confirm } from '../../design/confirm.tsx'
import { cx } from '../../design/cx.ts'
import { Card, Muted, PageHeader, Stack } from '../../design/page.tsx'
import { Loading, Refused } from '../../design/states.tsx'
import { Table } from '../../design/table.tsx'
import { toast } from '../../design/toast.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { placeText } from '../../messages/place.ts'
import type { Device } from './choice.tsx'
import styles from './devices.module.css'
import { EndEverything } from './end-everything.tsx'
import { heldApps } from './held-apps.ts'

export function Devices() {
  const { m, format } = useLanguage()
  const devices = useQuery(devicesQuery)
  const queryClient = useQueryClient()
  const [ending, setEnding] = useState<Device | 'others' | null>(null)
  const words = m.devices
  const one = ending !== null && ending !== 'others' ? ending : null
  const end = useMutation({
    mutationFn: async (which: Device | 'others') => {
      if (which === 'others') await call('DELETE /api/devices')
      else await call('DELETE /api/devices/{id}', { params: { id: which.id } })
    },
    onSuccess: async (_, which) => {
      setEnding(null)
      toast(which === 'others' ? words.endedOthers : words.ended)
      await queryClient.invalidateQueries({ queryKey: devicesQuery.queryKey })
    },
  })
  const others = (devices.data?.length ?? 0) > 1
  return (
    <>
      <PageHeader
        title={words.title}
        lead={words.lead}
        actions={others && <Button onClick={() => setEnding('others')}>{words.endOthers}</Button>}
      />
      <Stack gap="large">
        <Card>
          {devices.isPending ? (
            <Loading rows={3} />
          ) : devices.error ? (
            <Refused error={devices.error} retry={() => void devices.refetch()} />
          ) : (
            <>
              <Table
                caption={words.caption}
                rows={devices.data}
                rowKey={(device) => device.id}
                columns={[
                  { title: words.device, main: true, cell: (device) => device.name },
                  {
                    title: words.place,
                    cell: (device) => (
                      <span
                        className={cx(styles.place, device.address.length < 16 && styles.short)}
                      >
                        {placeText(device.place, m, format)}
                        <Muted>
                          <code>{device.address}</code>
                        </Muted>
                      </span>
                    ),
                  },
                  {
                    title: words.holds,
                    cell: (device) => <Holds device={device} />,
                  },
                  { title: words.since, cell: (device) => format.dateTime(device.first_seen_at) },
                  { title: words.lastSeen, cell: (device) => format.relative(device.last_seen_at) },
                  {
                    title: m.common.actions,
                    quiet: true,
                    cell: (device) =>
                      device.current ? (
                        <Badge tone="good">{words.current}</Badge>
                      ) : (
                        <Button size="small" onClick={() => setEnding(device)}>
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
        <EndEverything />
      </Stack>
      <Confirm
        open={one !== null}
        onClose={() => setEnding(null)}
        title={words.endTitle(one?.name ?? '')}
        consequence={one?.kind === 'app' ? words.endAppText : words.endText}
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

/** Its sign-in and its apps, each with how long it can go on by itself. */
function Holds({ device }: { device: Device }) {
  const { m, format } = useLanguage()
  const words = m.devices
  return (
    <ul className={styles.holds}>
      {device.holds.sessions > 0 && <li>{words.session}</li>}
      {heldApps(device.holds.grants).map((app) => (
        <li key={app.client_name}>
          {app.client_name}
          {app.renews_until !== null && (
            <>
              {' '}
              <Muted>{words.renewsUntil(format.date(app.renews_until))}</Muted>
            </>
          )}
        </li>
      ))}
      {device.kind === 'app' && (
        <li>
          <Muted>{words.byCode}</Muted>
        </li>
      )}
    </ul>
  )
}
