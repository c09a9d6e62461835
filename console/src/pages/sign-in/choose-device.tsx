import { useMutation } from '@tanstack/react-query'
import { type Answer, call, Refusal } from '../../api/client.ts'
import type { Account } from '../../api/queries.ts'
import { Button } from '../../design/button.tsx'
import { Muted, Stack } from '../../design/page.tsx'
import { RefusalNote } from '../../design/states.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { placeText } from '../../messages/place.ts'
import { FormFrame } from '../../shell/open-frame.tsx'

type Device = Answer<'GET /api/devices'>['items'][number]
export type Asked = { ticket: string; devices: Device[] }

/** What a sign-in beyond the device limit asks; null for every other refusal. */
export function askedBy(error: unknown): Asked | null {
  if (!(error instanceof Refusal) || error.code !== 'device_limit_reached') return null
  return error.members as Asked // the shape that comes with this code
}

/** Which device to sign out, so that this one may sign in; the password need not be typed again. */
export function ChooseDevice(props: {
  asked: Asked
  onDone(account: Account): Promise<void>
  onLeave(): void
}) {
  const { m, format } = useLanguage()
  const goOn = useMutation({
    mutationFn: (input: { ticket: string; id: string }) =>
      call('POST /api/sessions/continue', {
        body: { ticket: input.ticket, end_device_id: input.id },
      }),
    onSuccess: props.onDone,
  })
  // Where the one chosen was not enough, or was gone by then, it is asked again.
  const { ticket, devices } = askedBy(goOn.error) ?? props.asked
  const words = m.chooseDevice
  return (
    <FormFrame title={words.title} lead={words.lead}>
      <Stack>
        {devices.map((device) => (
          <div key={device.id}>
            <Button
              wide
              busy={goOn.isPending && goOn.variables.id === device.id}
              onClick={() => goOn.mutate({ ticket, id: device.id })}
            >
              {words.end(device.name)}
            </Button>
            <Muted>
              {placeText(device.place, m, format)} · {device.address} ·{' '}
              {format.relative(device.last_seen_at)}
              {device.holds.grants.length > 0 &&
                ` · ${device.holds.grants.map((grant) => grant.client_name).join(', ')}`}
            </Muted>
          </div>
        ))}
        {!askedBy(goOn.error) && <RefusalNote error={goOn.error} />}
        <Button kind="quiet" wide onClick={props.onLeave}>
          {m.common.cancel}
        </Button>
      </Stack>
    </FormFrame>
  )
}
