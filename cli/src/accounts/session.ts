import { hostname } from 'node:os'
import { type Account, type Auth, createAuth, discover } from '../../../sdk/src/index.ts'
import type { Context } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { useProxies } from '../network/proxies.ts'
import { Trouble } from '../trouble.ts'
import type { AccountEntry } from './book.ts'
import { type Chosen, shellWord } from './choose.ts'
import { type Keep, sealContext } from './keep.ts'
import { signInCommandOf } from './sign-in-command.ts'

export type Session = { auth: Auth; account: Account }

/** The account, ready to be asked for tokens. Everything on the wire goes through the SDK. */
export async function openSession(
  keep: Keep,
  { name, entry }: Chosen,
  context: Context,
): Promise<Session> {
  useProxies(context)
  const secret = await secretOf(keep, entry, context)
  const auth = createAuth({
    provider: discover(entry.issuer),
    clientId: entry.clientId,
    ...(secret === null ? {} : { clientSecret: secret }),
    scopes: [...entry.scopes],
    store: keep.store,
    refresh: { background: false },
    locale: context.locale,
    ...(entry.helpBase === null ? {} : { helpBase: entry.helpBase }),
    processName: processName(),
  })
  auth.on(() => {}) // what there is to be told, the keep tells; nothing is printed by the SDK
  return { auth, account: entry.kind === 'app' ? auth.app() : auth.account(name) }
}

/** What the journal of a credential calls this process. */
export const processName = (): string => `${process.pid}@${hostname()}`

async function secretOf(
  keep: Keep,
  { secret, issuer, clientId }: AccountEntry,
  { environment, m }: Context,
): Promise<string | null> {
  if (secret === null) return null
  if ('sealed' in secret) {
    try {
      return await keep.sealer.open(sealContext.clientSecret(issuer, clientId), secret.sealed)
    } catch (cause) {
      throw new Trouble(m.accounts.secretDamaged, {
        code: 'client_secret_damaged',
        exitCode: exitCodes.signInRequired,
        next: m.common.run(`latchkey login --client-id ${shellWord(clientId)} --secret-stdin`),
        cause,
      })
    }
  }
  if (environment.LATCHKEY_CLIENT_SECRET) return environment.LATCHKEY_CLIENT_SECRET
  throw new Trouble(m.accounts.secretMissing, {
    code: 'client_secret_missing',
    exitCode: exitCodes.signInRequired,
    next: m.accounts.secretMissingNext,
  })
}

/**
 * Runs `work` with the account; what it throws is told with the command that signs this very account
 * in again. A client that registered itself and was forgotten is a sign-in to be done, too.
 */
export async function withSession<T>(
  keep: Keep,
  chosen: Chosen,
  context: Context,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  let session: Session | null = null
  try {
    session = await openSession(keep, chosen, context)
    return await work(session)
  } catch (error) {
    if (context.signal.aborted) throw error
    const { troubleOf } = await import('../tell.ts')
    const trouble = troubleOf(error, context, signInCommandOf(chosen))
    const { code } = trouble.details
    const forgotten =
      chosen.entry.selfRegistered &&
      code === 'provider_misconfigured' &&
      (error as { detail?: unknown }).detail === 'invalid_client'
    if (!forgotten) throw trouble
    throw new Trouble(context.m.accounts.clientForgotten, {
      ...trouble.details,
      code: 'client_forgotten',
      exitCode: exitCodes.signInRequired,
      next: context.m.common.run(signInCommandOf(chosen)),
    })
  } finally {
    await session?.auth.close()
  }
}
