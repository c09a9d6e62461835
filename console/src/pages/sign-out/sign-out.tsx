import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { call } from '../../api/client.ts'
import { consoleQuery, logoutQuery } from '../../api/queries.ts'
import { Button, LinkButton } from '../../design/button.tsx'
import { Callout } from '../../design/callout.tsx'
import { Stack } from '../../design/page.tsx'
import { Loading, RefusalNote, Refused } from '../../design/states.tsx'
import { useAskedLanguage } from '../../messages/asked-language.ts'
import { useLanguage } from '../../messages/messages.tsx'
import { FormFrame } from '../../shell/open-frame.tsx'
import { Choice, Consequence, SignedInAs } from '../consent/parts.tsx'

/**
 * An app sent the browser here to sign out. Who is signed in and what ends stand before the buttons;
 * nothing ends without a press. Where nobody is signed in, it says so and leads back.
 */
export function SignOut() {
  const { m } = useLanguage()
  const words = m.signOut
  const { tx = '', ui_locales } = useSearch({ from: '/sign-out' })
  useAskedLanguage(ui_locales)
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  const [signedOut, setSignedOut] = useState(false)
  const { data, error, isPending } = useQuery(logoutQuery(tx))
  const decide = useMutation({
    mutationFn: (decision: 'sign_out' | 'stay') =>
      call('POST /api/oauth/logouts/{id}/decision', { params: { id: tx }, body: { decision } }),
    onSuccess: async ({ redirect_to }, decision) => {
      if (redirect_to !== null) return location.assign(redirect_to)
      if (decision === 'stay') return navigate({ to: '/' })
      setSignedOut(true)
      queryClient.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'oauth-logout' })
      await queryClient.fetchQuery(consoleQuery)
    },
  })
  if (isPending)
    return (
      <FormFrame title={m.common.loading}>
        <Loading rows={4} />
      </FormFrame>
    )
  if (error)
    return (
      <FormFrame title={words.title}>
        <Stack>
          <Refused error={error} />
        </Stack>
      </FormFrame>
    )
  const { client, account } = data
  const host = client?.redirect_host ?? null
  const busy = decide.isPending || (decide.isSuccess && !signedOut)
  if (!account || signedOut)
    return (
      <FormFrame title={words.done} lead={words.doneLead}>
        <Stack>
          <RefusalNote error={decide.error} />
          {client && host !== null && (
            <Button kind="primary" wide busy={busy} onClick={() => decide.mutate('sign_out')}>
              {words.backTo(host)}
            </Button>
          )}
          <LinkButton to="/sign-in" wide>
            {words.signInAgain}
          </LinkButton>
        </Stack>
      </FormFrame>
    )
  return (
    <FormFrame
      title={client ? words.asks(client.name) : words.title}
      lead={host === null ? undefined : words.leadsTo(host)}
    >
      <Stack>
        <SignedInAs account={account} />
        {data.other_account && (
          <Callout tone="warn">
            <p>{words.otherAccount}</p>
          </Callout>
        )}
        <Consequence>{words.consequence}</Consequence>
        <RefusalNote error={decide.error} />
        <Choice>
          <Button busy={busy} onClick={() => decide.mutate('stay')}>
            {words.stay}
          </Button>
          <Button kind="primary" busy={busy} onClick={() => decide.mutate('sign_out')}>
            {words.action}
          </Button>
        </Choice>
      </Stack>
    </FormFrame>
  )
}
