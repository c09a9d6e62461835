import type { Account } from '../../api/queries.ts'
import { Badge, type Tone } from '../../design/badge.tsx'
import { useLanguage } from '../../messages/messages.tsx'

const tones: Record<Account['state'], Tone> = {
  unverified: 'neutral',
  active: 'good',
  limited: 'warn',
  suspended: 'danger',
  closed: 'neutral',
}

export function AccountState(props: { state: Account['state'] }) {
  const { m } = useLanguage()
  return <Badge tone={tones[props.state]}>{m.states[props.state]}</Badge>
}
