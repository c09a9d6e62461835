import { type CommandRun, type Context, option, print } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { useProxies } from '../network/proxies.ts'
import { wrongUsage } from '../trouble.ts'
import { accountOption } from './choose.ts'
import { defaultIssuer, issuerOf } from './issuer.ts'
import { bindingOf, openKeep } from './keep.ts'
import { portOption, secondsOption } from './numbers.ts'

/** `latchkey login`: a person by browser or device code, or an app by its own credentials. */
export const login: CommandRun = async (context) => {
  const { environment, m, values } = context
  const keep = openKeep(context)
  if (values.device === true && values.browser === true)
    throw wrongUsage(m.common.notTogether('--device', '--browser'))
  // Everything that can be wrong with the words is, before anybody is asked anything.
  secondsOption(context, 'timeout', 0)
  portOption(context)
  const typed = option(context, 'issuer') ?? (environment.LATCHKEY_ISSUER || undefined)
  const book = await keep.book.read()
  if (book === null) context.terminal.say(m.accounts.bookPutAside)
  const named = accountOption(context)
  // What was signed in under this name, else the current account, says where "again" is.
  const before = book?.accounts[named ?? book.current ?? '']
  const issuer = typed === undefined ? (before?.issuer ?? defaultIssuer) : issuerOf(typed, m)
  useProxies(context)

  const { signInApp, signInPerson } = await import('./sign-in.ts')
  const signedIn =
    values['client-credentials'] === true
      ? await signInApp(keep, context, issuer)
      : await signInPerson(keep, context, issuer)
  const { name, entry } = signedIn
  const who = entry.email ?? entry.name ?? entry.subject ?? entry.clientId
  print(
    context,
    {
      account: name,
      issuer: entry.issuer,
      client_id: entry.clientId,
      kind: entry.kind,
      subject: entry.subject,
      email: entry.email,
      name: entry.name,
      scopes: signedIn.scopes,
      base_url: entry.baseUrl,
      stored_in: keep.dir,
      key_held_by: await keep.protection(bindingOf(signedIn)),
    },
    m.login.done({
      who,
      name,
      issuer: entry.issuer,
      dir: keep.dir,
      baseUrl: entry.baseUrl,
      strong: (text) => context.terminal.tone('strong', text, 'out'),
    }),
  )
  return exitCodes.done
}

/** The secret of a confidential client: from stdin, from the environment, or none. Never from arguments. */
export async function clientSecret(
  context: Context,
): Promise<{ value: string; from: 'stdin' | 'environment' } | null> {
  const { environment, m, values } = context
  if (values['secret-stdin'] === true) {
    if (process.stdin.isTTY) context.terminal.say(m.login.typeSecret)
    let text = ''
    for await (const chunk of process.stdin) {
      text += String(chunk)
      if (text.length > 10_000) throw wrongUsage(m.login.secretTooLong)
    }
    const value = text.trim()
    if (value === '') throw wrongUsage(m.login.secretEmpty)
    return { value, from: 'stdin' }
  }
  const { LATCHKEY_CLIENT_ID, LATCHKEY_CLIENT_SECRET: value } = environment
  const other = LATCHKEY_CLIENT_ID && option(context, 'client-id') !== undefined
  // The secret in the environment belongs to the client named there, if one is.
  if (other && option(context, 'client-id') !== LATCHKEY_CLIENT_ID) return null
  return value ? { value, from: 'environment' } : null
}
