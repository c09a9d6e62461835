import type { Revoked } from '../../../sdk/src/index.ts'
import { type CommandRun, type Context, print } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { Trouble, wrongUsage } from '../trouble.ts'
import { accountOption, type Chosen, chooseAccount, readBook } from './choose.ts'
import { type Keep, openKeep } from './keep.ts'

type Outcome = { account: string; issuer: string; at_provider: string; detail: string | null }

/**
 * `latchkey logout`: ends the sign-in at the provider, then forgets it here. A provider that is away
 * keeps nobody signed in on this machine; the exit code is 4 then, because the grant there lives on.
 */
export const logout: CommandRun = async (context) => {
  const keep = openKeep(context)
  const { values, m } = context
  if (values.all === true && accountOption(context) !== undefined)
    throw wrongUsage(m.common.notTogether('--all', '--account'))
  const book = await readBook(keep, context)
  const chosen =
    values.all === true
      ? Object.entries(book.accounts).map(([name, entry]): Chosen => ({ name, entry }))
      : [await chooseAccount(keep, context)]
  const outcomes: Outcome[] = []
  for (const one of chosen) outcomes.push(await signOut(keep, one, context))
  if (values.all === true) await leave(keep, context)
  const away = outcomes.some(({ at_provider }) => at_provider === 'unreachable')
  const lines = outcomes.map((outcome) => line(outcome, context))
  print(context, { signed_out: outcomes }, lines.join('\n') || m.logout.nobody)
  return away ? exitCodes.unavailable : exitCodes.done
}

async function signOut(keep: Keep, chosen: Chosen, context: Context): Promise<Outcome> {
  const { name, entry } = chosen
  const waiting = context.terminal.waiting(context.m.logout.ending(name, entry.issuer))
  let revoked: Revoked
  try {
    const { openSession } = await import('./session.ts')
    // A client secret that cannot be had must not keep anybody signed in here.
    const session = await openSession(keep, chosen, context).catch((error) => {
      if (error instanceof Trouble) return null
      throw error
    })
    if (session) {
      try {
        revoked = await session.account.signOut()
      } finally {
        await session.auth.close()
      }
    } else {
      const { takeAway } = await import('./end.ts')
      await takeAway(keep, chosen)
      revoked = { atProvider: 'refused', detail: 'no client secret' }
    }
  } finally {
    waiting.done()
  }
  await keep.book.change((book) => {
    delete book.accounts[name]
    if (book.current === name) book.current = Object.keys(book.accounts)[0] ?? null
  })
  return {
    account: name,
    issuer: entry.issuer,
    at_provider: revoked.atProvider.replaceAll('-', '_'),
    detail: 'detail' in revoked ? revoked.detail : null,
  }
}

/** With the last account gone, the registrations of this command line go, too. */
async function leave(keep: Keep, context: Context): Promise<void> {
  const book = await keep.book.read()
  const { manageOf } = await import('./registration.ts')
  const { unregister } = await import('../../../sdk/src/index.ts')
  for (const [issuer, registration] of Object.entries(book?.registrations ?? {})) {
    const manage = await manageOf(keep, issuer, registration)
    if (manage) await unregister(manage, { signal: context.signal })
  }
  await keep.book.change((all) => {
    all.registrations = {}
  })
}

function line({ account, issuer, at_provider, detail }: Outcome, { m, terminal }: Context): string {
  const { logout } = m
  switch (at_provider) {
    case 'ended':
      return logout.ended(account, issuer)
    case 'unreachable':
      return terminal.tone('warn', logout.unreachable(account, issuer, detail ?? '?'), 'out')
    case 'refused':
      return terminal.tone('warn', logout.refused(account, issuer, detail ?? '?'), 'out')
    case 'not_offered':
      return logout.notOffered(account, issuer)
    default:
      return logout.nothing(account)
  }
}
