import { useMutation, useQuery } from '@tanstack/react-query'
import { useSearch } from '@tanstack/react-router'
import { call } from '../../api/client.ts'
import { transactionQuery } from '../../api/queries.ts'
import { AppLogo } from '../../design/app-logo.tsx'
import { Button } from '../../design/button.tsx'
import { Stack } from '../../design/page.tsx'
import { Loading, RefusalNote, Refused } from '../../design/states.tsx'
import { useAskedLanguage } from '../../messages/asked-language.ts'
import { useLanguage } from '../../messages/messages.tsx'
import { FormFrame } from '../../shell/open-frame.tsx'
import { AskedScopes, Choice, Consequence, SignedInAs } from './parts.tsx'
import { WhoVouches } from './who-vouches.tsx'

/**
 * An app asks. Who it is, where the browser goes next, who answers and what each permission means
 * stand before the two buttons, which are the same size and side by side.
 */
export function Consent() {
  const { m } = useLanguage()
  const { tx = '', ui_locales } = useSearch({ from: '/consent' })
  useAskedLanguage(ui_locales)
  const { data, error, isPending } = useQuery(transactionQuery(tx))
  const decide = useMutation({
    mutationFn: (decision: 'allow' | 'deny') =>
      call('POST /api/oauth/transactions/{id}/decision', {
        params: { id: tx },
        body: { decision },
      }),
    onSuccess: ({ redirect_to }) => location.assign(redirect_to),
  })
  if (isPending)
    return (
      <FormFrame title={m.common.loading}>
        <Loading rows={5} />
      </FormFrame>
    )
  if (error)
    return (
      <FormFrame title={m.nav.connected} lead={m.consent.gone}>
        <Refused error={error} />
      </FormFrame>
    )
  const { client, account } = data
  const going = decide.isPending || decide.isSuccess
  return (
    <FormFrame
      title={m.consent.title(client.name)}
      picture={<AppLogo of={client} size="large" />}
      lead={m.consent.leadsTo(client.redirect_host)}
    >
      <Stack>
        <SignedInAs account={account} />
        <WhoVouches client={client} />
        <AskedScopes scopes={data.scopes} />
        <Consequence>
          {data.resource ? m.consent.consequenceAt(data.resource.name) : m.consent.consequence}
        </Consequence>
        <RefusalNote error={decide.error} />
        <Choice>
          <Button busy={going} onClick={() => decide.mutate('deny')}>
            {m.consent.deny}
          </Button>
          <Button kind="primary" busy={going} onClick={() => decide.mutate('allow')}>
            {m.consent.allow}
          </Button>
        </Choice>
      </Stack>
    </FormFrame>
  )
}
