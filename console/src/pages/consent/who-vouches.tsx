import { Callout } from '../../design/callout.tsx'
import { useLanguage } from '../../messages/messages.tsx'

/**
 * What a person has to know about an app that nobody here answers for: that it runs on their own
 * machine, or whose host describes it. Both may be true at once.
 */
export function WhoVouches({
  client,
}: {
  client: { verified: boolean; described_by: string | null; loopback?: boolean }
}) {
  const { m } = useLanguage()
  const lines = [
    client.described_by !== null && m.consent.describedBy(client.described_by),
    client.loopback && m.consent.loopback,
    !client.verified && !client.loopback && client.described_by === null && m.consent.unverified,
  ].filter((line) => typeof line === 'string')
  if (lines.length === 0) return null
  return (
    <Callout tone="warn">
      {lines.map((line) => (
        <p key={line}>{line}</p>
      ))}
    </Callout>
  )
}
