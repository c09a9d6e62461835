import type { AccountsContext } from './context.ts'
import { moveEpoch } from './standing.ts'

/**
 * Ends everything that was ever handed out to the account, but for API keys. One commit decides it:
 * sessions end and the epoch moves, so that every access and refresh token is refused from then on,
 * on every node. What is left of them is then deleted a batch at a time; a process that dies during
 * that leaves rows which open nothing.
 *
 * `keep`: the session that asked, where it is to go on; the apps of its device end all the same.
 */
export async function revokeAll(
  context: AccountsContext,
  input: { accountId: string; keep: string | null },
): Promise<void> {
  const { database, store, neighbours, audit } = context
  await database.transaction(async () => {
    const account = await store.find(input.accountId)
    if (!account) return
    await neighbours.endSessions(account.id, input.keep, 'revoked_all')
    await moveEpoch(context, account)
    await audit.append({
      actor: { kind: 'account', id: account.id, name: account.name },
      action: 'account.revoked_all',
      subject: { kind: 'account', id: account.id, name: account.name },
      detail: { kept_session: input.keep },
    })
  })
  await neighbours.endApps(input.accountId)
}
