import { useMutation } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { call } from '../../api/client.ts'
import { Button, LinkButton } from '../../design/button.tsx'
import { Callout } from '../../design/callout.tsx'
import { Stack } from '../../design/page.tsx'
import { RefusalNote } from '../../design/states.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { FormFrame } from '../../shell/open-frame.tsx'

/**
 * Where the link of a new-device mail leads. Opening it does nothing, because scanners open links,
 * too; the button does. The token stands in the fragment, which no server and no log ever sees.
 */
export function NotMe() {
  const { m } = useLanguage()
  const [token] = useState(() => location.hash.slice(1))
  const disown = useMutation({
    mutationFn: () => call('POST /api/devices/not-me', { body: { token } }),
  })
  const words = m.notMe
  if (disown.isSuccess)
    return (
      <FormFrame title={words.doneTitle} lead={words.done}>
        <LinkButton to="/recover/reset" kind="primary" wide>
          {words.reset}
        </LinkButton>
      </FormFrame>
    )
  return (
    <FormFrame title={words.title} lead={words.lead} foot={<Link to="/sign-in">{words.back}</Link>}>
      <Stack>
        {token === '' ? (
          <Callout tone="warn">
            <p>{words.missing}</p>
          </Callout>
        ) : (
          <>
            <Callout>
              <p>{words.consequence}</p>
            </Callout>
            <RefusalNote error={disown.error} />
            <Button kind="danger" wide busy={disown.isPending} onClick={() => disown.mutate()}>
              {words.action}
            </Button>
          </>
        )}
      </Stack>
    </FormFrame>
  )
}
