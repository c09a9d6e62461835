import type { Death } from '../../../sdk/src/credentials/credential.ts'
import { revokedWords } from '../../../sdk/src/errors/revocations.ts'
import type { Context } from '../command.ts'

type Ended = Pick<Death, 'reason' | 'revokedBecause' | 'at'>

/** Why and when a sign-in ended: by the words of the provider where it has any. */
export function whyEnded(
  { reason, revokedBecause, at }: Ended,
  account: string,
  { m, locale }: Pick<Context, 'm' | 'locale'>,
): string {
  if (revokedBecause === null) return m.reasons[reason](at)
  const { happened } = revokedWords[locale][revokedBecause]
  return m.doctor.seenAt(
    happened.replace('{account}', () => account),
    at,
  )
}

/** The one thing to do about it; `again` is the command that signs in anew. */
export function nextAfter(
  { reason, revokedBecause }: Ended,
  again: string,
  { m, locale }: Pick<Context, 'm' | 'locale'>,
): string {
  if (reason === 'reused' || revokedBecause === 'token_reused') return m.doctor.reusedNext(again)
  if (reason === 'suspended') return m.doctor.suspendedNext
  return revokedBecause === null ? again : `${revokedWords[locale][revokedBecause].next} ${again}`
}
