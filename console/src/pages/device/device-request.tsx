import { useMutation } from '@tanstack/react-query'
import { type Answer, call } from '../../api/client.ts'
import { AppLogo } from '../../design/app-logo.tsx'
import { Button } from '../../design/button.tsx'
import { Callout } from '../../design/callout.tsx'
import { Stack } from '../../design/page.tsx'
import { RefusalNote } from '../../design/states.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { placeText } from '../../messages/place.ts'
import { FormFrame } from '../../shell/open-frame.tsx'
import { AskedScopes, Choice, Consequence, SignedInAs, Who } from '../consent/parts.tsx'
import { WhoVouches } from '../consent/who-vouches.tsx'
import { DeviceChoice } from '../devices/choice.tsx'
import { askedBy } from '../sign-in/choose-device.tsx'

/**
 * Who asks, from where, since when and for what, with the warning before the two buttons: whoever
 * was sent a code by somebody else is about to let that somebody in.
 */
export function DeviceRequest(props: {
  request: Answer<'POST /api/oauth/device/claim'>
  code: string
}) {
  const { m, format } = useLanguage()
  const { request, code } = props
  const words = m.device
  const decide = useMutation({
    mutationFn: async ({ decision, endId }: { decision: 'allow' | 'deny'; endId?: string }) => {
      const end = endId === undefined ? {} : { end_device_id: endId }
      await call('POST /api/oauth/device/decision', { body: { user_code: code, decision, ...end } })
      return decision
    },
  })
  if (decide.data)
    return (
      <FormFrame title={decide.data === 'allow' ? words.allowed : words.denied}>
        <p>{decide.data === 'allow' ? words.allowedText : words.deniedText}</p>
      </FormFrame>
    )
  const asked = askedBy(decide.error)
  if (asked)
    return (
      <FormFrame title={m.chooseDevice.title} lead={words.tooMany}>
        <Stack>
          <DeviceChoice
            devices={asked.devices}
            busyId={decide.isPending ? decide.variables.endId : undefined}
            onChoose={(endId) => decide.mutate({ decision: 'allow', endId })}
          />
          <Button kind="quiet" wide onClick={() => decide.mutate({ decision: 'deny' })}>
            {m.consent.deny}
          </Button>
        </Stack>
      </FormFrame>
    )
  return (
    <FormFrame
      title={m.consent.title(request.client.name)}
      picture={<AppLogo of={request.client} size="large" />}
      lead={words.check}
    >
      <Stack>
        <Callout tone="warn">
          <p>{words.warning}</p>
        </Callout>
        <Who>
          <span>{words.from}</span>
          <strong>{request.address || words.unknownAddress}</strong>
          {request.address !== '' && <span>{placeText(request.place, m, format)}</span>}
          <span>{request.same_network ? words.sameNetwork : words.otherNetwork}</span>
          <span>{format.relative(request.requested_at)}</span>
        </Who>
        <SignedInAs account={request.account} />
        <WhoVouches client={request.client} />
        <AskedScopes scopes={request.scopes} />
        <Consequence>
          {request.resource
            ? m.consent.consequenceAt(request.resource.name)
            : m.consent.consequence}
        </Consequence>
        <RefusalNote error={decide.error} />
        <Choice>
          <Button busy={decide.isPending} onClick={() => decide.mutate({ decision: 'deny' })}>
            {m.consent.deny}
          </Button>
          <Button
            kind="primary"
            busy={decide.isPending}
            onClick={() => decide.mutate({ decision: 'allow' })}
          >
            {m.consent.allow}
          </Button>
        </Choice>
      </Stack>
    </FormFrame>
  )
}
