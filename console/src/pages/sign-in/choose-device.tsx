import { useMutation } from '@tanstack/react-query'
import { call, Refusal } from '../../api/client.ts'
import type { Account } from '../../api/queries.ts'
import { Button } from '../../design/button.tsx'
import { Stack } from '../../design/page.tsx'
import { RefusalNote } from '../../design/states.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { FormFrame } from '../../shell/open-frame.tsx'
import { type Device, DeviceChoice } from '../devices/choice.tsx'

/** `ticket` stands for the password, at a sign-in. */
export type Asked = { ticket?: string; devices: Device[] }

/** What one device beyond the limit asks; null for every other refusal. */
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
  const { m } = useLanguage()
  const goOn = useMutation({
    mutationFn: (input: { ticket: string; id: string }) =>
      call('POST /api/sessions/continue', {
        body: { ticket: input.ticket, end_device_id: input.id },
      }),
    onSuccess: props.onDone,
  })
  // Where the one chosen was not enough, or was gone by then, it is asked again.
  const { ticket = '', devices } = askedBy(goOn.error) ?? props.asked
  const words = m.chooseDevice
  return (
    <FormFrame title={words.title} lead={words.lead}>
      <Stack>
        <DeviceChoice
          devices={devices}
          busyId={goOn.isPending ? goOn.variables.id : undefined}
          onChoose={(id) => goOn.mutate({ ticket, id })}
        />
        {!askedBy(goOn.error) && <RefusalNote error={goOn.error} />}
        <Button kind="quiet" wide onClick={props.onLeave}>
          {m.common.cancel}
        </Button>
      </Stack>
    </FormFrame>
  )
}
