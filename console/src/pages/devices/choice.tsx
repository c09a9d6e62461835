import type { Answer } from '../../api/client.ts'
import { Button } from '../../design/button.tsx'
import { Muted } from '../../design/page.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { placeText } from '../../messages/place.ts'
import styles from './devices.module.css'
import { heldApps } from './held-apps.ts'

export type Device = Answer<'GET /api/devices'>['items'][number]

/** A row and a button for each device, with what helps to tell it apart: which is to end, where there are too many. */
export function DeviceChoice(props: {
  devices: readonly Device[]
  /** The one whose end is under way. */
  busyId: string | undefined
  onChoose(id: string): void
}) {
  const { m, format } = useLanguage()
  return props.devices.map((device) => (
    <div key={device.id} className={styles.choice}>
      <div>
        <strong>{device.name}</strong>
        <Muted>
          {placeText(device.place, m, format)} · {device.address} ·{' '}
          {format.relative(device.last_seen_at)}
          {device.holds.grants.length > 0 &&
            ` · ${heldApps(device.holds.grants)
              .map((app) => app.client_name)
              .join(', ')}`}
        </Muted>
      </div>
      <Button
        busy={props.busyId === device.id}
        aria-label={m.chooseDevice.end(device.name)}
        onClick={() => props.onChoose(device.id)}
      >
        {m.devices.end}
      </Button>
    </div>
  ))
}
