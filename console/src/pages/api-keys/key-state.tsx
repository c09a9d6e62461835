import type { ApiKey } from '../../api/queries.ts'
import { Badge, type Tone } from '../../design/badge.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { effectiveState } from './key-values.ts'

const tones: Record<ReturnType<typeof effectiveState>, Tone> = {
  active: 'good',
  disabled: 'warn',
  expired: 'warn',
  revoked: 'danger',
}

export function KeyState(props: { of: ApiKey }) {
  const { m } = useLanguage()
  const state = effectiveState(props.of)
  return <Badge tone={tones[state]}>{m.keys.states[state]}</Badge>
}
