import type { TokenSet } from '../../../sdk/src/credentials/credential.ts'
import { systemClock } from '../../../sdk/src/platform/clock.ts'
import { countdown, lastMomentsMs } from '../../../sdk/src/tokens/lifetime.ts'
import { type CommandRun, type Context, print } from '../command.ts'
import { type Chosen, chooseAccount } from './choose.ts'
import { bindingOf, type Keep, openKeep } from './keep.ts'
import { secondsOption } from './numbers.ts'

/** Long enough for a script to do something with the token; never more than half a token's life. */
const minLifeSecondsDefault = 300

type Answer = { access: string; expiresAt: number | null; scope: string | null }

/** `latchkey token`: a living access token on stdout, and nothing else. */
export const token: CommandRun = async (context) => {
  const keep = openKeep(context)
  const minLifeMs = secondsOption(context, 'min-life', minLifeSecondsDefault) * 1_000
  const chosen = await chooseAccount(keep, context)
  const answer =
    (await atHand(keep, chosen, minLifeMs)) ?? (await renewed(keep, chosen, context, minLifeMs))
  const { access, expiresAt, scope } = answer
  print(
    context,
    {
      access_token: access,
      token_type: 'Bearer',
      expires_at: expiresAt === null ? null : new Date(expiresAt).toISOString(),
      expires_in:
        expiresAt === null ? null : Math.max(0, Math.floor((expiresAt - Date.now()) / 1_000)),
      scope,
      account: chosen.name,
      issuer: chosen.entry.issuer,
    },
    access,
  )
  return 0
}

/** The stored token, when nothing speaks against it: without the protocol's code, a network or a lock. */
async function atHand(keep: Keep, chosen: Chosen, minLifeMs: number): Promise<Answer | null> {
  const stored = await keep.store.load(bindingOf(chosen)).catch(() => null)
  // An open intent means that a renewal was cut off: the provider's replay window is ticking.
  if (stored?.state !== 'present' || stored.credential.intent !== null) return null
  const { tokens } = stored.credential
  const lifetimeMs = tokens.lifetimeMs ?? Number.POSITIVE_INFINITY
  const needed = Math.max(Math.min(minLifeMs, lifetimeMs / 2), lastMomentsMs(lifetimeMs))
  return countdown(tokens, systemClock).leftMs() > needed ? answerOf(tokens) : null
}

const answerOf = (tokens: TokenSet): Answer => ({
  access: tokens.accessToken.reveal(),
  expiresAt: tokens.lifetimeMs === null ? null : tokens.obtainedAt + tokens.lifetimeMs,
  scope: tokens.scope,
})

/** Through the SDK: one renewal for all processes, the old token while it lives, or why there is none. */
async function renewed(
  keep: Keep,
  chosen: Chosen,
  context: Context,
  minLifeMs: number,
): Promise<Answer> {
  const { withSession } = await import('./session.ts')
  const waiting = context.terminal.waiting(context.m.token.renewing(chosen.entry.issuer))
  try {
    return await withSession(keep, chosen, context, async ({ account }) => {
      const access = await account.token({ minLifeMs, signal: context.signal })
      const status = await account.status()
      return status.state === 'signed-in'
        ? { access, expiresAt: status.accessExpiresAt, scope: status.scope }
        : { access, expiresAt: null, scope: null }
    })
  } finally {
    waiting.done()
  }
}
