import { useQuery } from '@tanstack/react-query'
import { call } from '../../api/client.ts'
import { Button } from '../../design/button.tsx'
import { Callout } from '../../design/callout.tsx'
import { Row } from '../../design/page.tsx'
import { useLanguage } from '../../messages/messages.tsx'

/** On a development server mail goes nowhere, so the page shows what it would have brought. */
export function DevelopmentCode(props: { email: string | undefined; onUse(code: string): void }) {
  const { m } = useLanguage()
  const { data } = useQuery({
    queryKey: ['outbox'],
    queryFn: () => call('GET /dev/outbox'),
    refetchInterval: 2_000,
    retry: false,
  })
  const to = props.email?.trim().toLowerCase()
  const latest = data?.find((mail) => mail.code && (!to || mail.to.toLowerCase() === to))?.code
  return (
    <Callout title={m.verify.development}>
      <p>{latest ? m.verify.developmentCode(latest) : m.verify.developmentNone}</p>
      <Row>
        {latest && (
          <Button size="small" onClick={() => props.onUse(latest)}>
            {m.verify.useCode}
          </Button>
        )}
        <a href="/dev/outbox" target="_blank" rel="noreferrer">
          {m.verify.outbox}
        </a>
      </Row>
    </Callout>
  )
}
