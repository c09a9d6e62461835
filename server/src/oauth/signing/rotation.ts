import { day, minute } from '#platform/clock/clock.ts'
import type { SigningAlg } from './signing-keys.ts'

/**
 * ```mermaid
 * stateDiagram-v2
 *   [*] --> pending: published, signs nothing
 *   pending --> active: a day later, when the one before is 90 days old
 *   active --> retiring: signs no more, still verifies
 *   retiring --> [*]: a day later
 * ```
 */
export type SigningKeyState = 'pending' | 'active' | 'retiring'

export type KeyAge = {
  kid: string
  alg: SigningAlg
  state: SigningKeyState
  createdAt: number
  activatedAt: number | null
  retiredAt: number | null
}

/** How long others may keep our keys and metadata before they look again. */
export const publishedForMs = 5 * minute
export const signsForMs = 90 * day
/** Far longer than `publishedForMs`: many clients look again once a day whatever we say. */
export const publishedBeforeMs = day
/** The longest-lived thing signed is an ID token of an hour; the rest is for clocks that disagree. */
export const keptAfterMs = day

export type RotationStep =
  | { kind: 'publish'; alg: SigningAlg }
  | { kind: 'activate'; kid: string; retire: string }
  | { kind: 'forget'; kid: string }

/** What is due now. Pure, so that every node comes to the same answer from the same rows. */
export function dueSteps(keys: readonly KeyAge[], now: number): RotationStep[] {
  const steps: RotationStep[] = []
  for (const key of keys) {
    if (key.state === 'retiring' && now - (key.retiredAt ?? now) >= keptAfterMs)
      steps.push({ kind: 'forget', kid: key.kid })
    if (key.state !== 'active') continue
    const signedForMs = now - (key.activatedAt ?? key.createdAt)
    const next = keys.find(({ alg, state }) => alg === key.alg && state === 'pending')
    if (!next) {
      if (signedForMs >= signsForMs - publishedBeforeMs)
        steps.push({ kind: 'publish', alg: key.alg })
    } else if (signedForMs >= signsForMs && now - next.createdAt >= publishedBeforeMs)
      steps.push({ kind: 'activate', kid: next.kid, retire: key.kid })
  }
  return steps
}
