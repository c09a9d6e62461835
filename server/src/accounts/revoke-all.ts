import type { Actor } from '../audit/index.ts'
import type { Account } from './account.ts'
import type { AccountsContext } from './context.ts'
import { moveEpoch } from './standing.ts'

/**
 * Ends everything that was ever handed out to the account, but for API keys. One commit decides it:
 * sessions and grants end and the epoch moves, so that every access and refresh token is refused from
 * then on, on every node. What is left of them is then deleted a batch at a time; a process that dies
 * during that leaves rows which open nothing. False: there is no such account.
 *
 * `keep`: the session that asked, where it is to go on; the apps of its device end all the same.
 */
export async function revokeAll(
  context: AccountsContext,
  input: { accountId: string; keep: string | null },
): Promise<boolean> {
  const person = ({ id, name }: Account): Actor => ({ kind: 'account', id, name })
  const detail = { kept_session: input.keep }
  const why = { keep: input.keep, reason: 'revoked_all' as const, detail }
  return endAll(context, input.accountId, person, why)
}

/** The same by an operator, who says why; its person is told by mail. */
export async function revokeAllByOperator(
  context: AccountsContext,
  input: { accountId: string; actor: Actor; note: string },
): Promise<boolean> {
  const { mail, clock, origin } = context
  const why = { keep: null, reason: 'revoked_by_operator' as const, detail: { note: input.note } }
  return endAll(
    context,
    input.accountId,
    () => input.actor,
    why,
    (account) =>
      mail.send({
        kind: 'signed_out_by_operator',
        to: account.email,
        locale: account.locale,
        values: { at: clock.now() },
        link: `${origin}/sign-in`,
      }),
  )
}

async function endAll(
  context: AccountsContext,
  accountId: string,
  actorOf: (account: Account) => Actor,
  why: Parameters<typeof moveEpoch>[2] & { detail: Record<string, unknown> },
  tell: (account: Account) => Promise<void> = async () => {},
): Promise<boolean> {
  const { database, store, neighbours, audit } = context
  const found = await database.transaction(async () => {
    const account = await store.find(accountId)
    if (!account || account.state === 'closed') return false
    await moveEpoch(context, account, why)
    await audit.append({
      actor: actorOf(account),
      action: 'account.revoked_all',
      subject: { kind: 'account', id: account.id, name: account.name },
      detail: why.detail,
    })
    await tell(account)
    return true
  })
  if (found) await neighbours.endApps(accountId)
  return found
}
