import {
  type Account,
  type Auth,
  createAuth,
  discover,
  type Metadata,
  memoryStore,
  ProviderMisconfigured,
  providerMetadata,
  SignInFailed,
} from '../../../sdk/src/index.ts'
import { hasBrowser, signInByLoopback } from '../../../sdk/src/node/index.ts'
import { type Context, option } from '../command.ts'
import { plain } from '../terminal/terminal.ts'
import { wrongUsage } from '../trouble.ts'
import type { AccountEntry, RegistrationEntry } from './book.ts'
import { accountOption, type Chosen } from './choose.ts'
import { type Keep, sealContext } from './keep.ts'
import { keepAccount, keepSignIn, nameFor } from './keep-sign-in.ts'
import { apiOf, helpOf, isLatchkey } from './latchkey.ts'
import { clientSecret } from './login.ts'
import { portOption, secondsOption } from './numbers.ts'
import { mayUseDeviceCodes, ownRegistration } from './registration.ts'
import { openSession, processName } from './session.ts'

type SignedIn = Chosen & { scopes: string[] }

/** What most tools need. Asked for as far as the provider has it. */
const scopesDefault = [
  'openid',
  'profile',
  'email',
  'offline_access',
  'models:read',
  'chat:read',
  'chat:write',
  'embeddings:write',
  'images:write',
  'audio:write',
  'usage:read',
]
const draftAccount = 'sign-in'
const timeoutSecondsDefault = 300

/**
 * Signs a person in. Until the very end everything is in memory, so a process that is killed leaves
 * what was there before; then the credential is saved, the book names it, and only then the sign-in
 * it replaces is ended at the provider.
 */
export async function signInPerson(
  keep: Keep,
  context: Context,
  issuer: string,
): Promise<SignedIn> {
  const { environment, m, values, terminal, signal, locale } = context
  const provider = discover(issuer)
  const reach = { signal, locale }
  const lookingUp = terminal.waiting(m.login.lookingUp(issuer))
  let metadata: Metadata
  let registration: RegistrationEntry | null = null
  const givenId = option(context, 'client-id') ?? (environment.LATCHKEY_CLIENT_ID || undefined)
  try {
    metadata = await providerMetadata(provider, reach)
    if (givenId === undefined) registration = await ownRegistration(keep, provider, metadata, reach)
  } finally {
    lookingUp.done()
  }
  const clientId = givenId ?? registration?.clientId ?? ''
  const secret = givenId === undefined ? null : await clientSecret(context)
  const scopes = scopesFor(context, metadata, registration)
  const memory = memoryStore()
  const auth = createAuth({
    provider,
    clientId,
    ...(secret === null ? {} : { clientSecret: secret.value }),
    scopes,
    store: memory,
    refresh: { background: false },
    locale,
    processName: processName(),
  })
  try {
    const device =
      values.device === true ||
      (values.browser !== true &&
        !hasBrowser(environment) &&
        metadata.device_authorization_endpoint !== undefined &&
        (registration === null || mayUseDeviceCodes(registration)))
    const account = await ask(context, auth, device, registration?.host ?? '127.0.0.1')
    const who = await whoIs(account)
    const entry: AccountEntry = {
      issuer,
      clientId,
      kind: 'person',
      selfRegistered: registration !== null,
      secret: await keptSecret(keep, issuer, clientId, secret),
      scopes,
      baseUrl: option(context, 'base-url') ?? environment.LATCHKEY_BASE_URL ?? apiOf(metadata),
      helpBase: helpOf(metadata),
      ...who,
      signedInAt: Date.now(),
    }
    const binding = { issuer, clientId, account: draftAccount, resource: '' }
    const made = await memory.load(binding)
    if (made.state !== 'present') throw new Error('the sign-in vanished')
    const name = await nameFor(keep, context, entry)
    await keepSignIn(keep, context, { name, entry }, made.credential)
    return { name, entry, scopes: made.credential.tokens.scope?.split(' ') ?? scopes }
  } finally {
    await auth.close()
  }
}

/** Signs the app itself in: proves its credentials once, and keeps the secret that came by stdin. */
export async function signInApp(keep: Keep, context: Context, issuer: string): Promise<SignedIn> {
  const { environment, m, terminal } = context
  const clientId = option(context, 'client-id') ?? (environment.LATCHKEY_CLIENT_ID || undefined)
  if (clientId === undefined) throw wrongUsage(m.login.clientIdMissing)
  const secret = await clientSecret(context)
  if (secret === null) throw wrongUsage(m.login.secretMissing, m.login.secretMissingNext)
  const waiting = terminal.waiting(m.login.lookingUp(issuer))
  try {
    const metadata = await providerMetadata(discover(issuer), {
      signal: context.signal,
      locale: context.locale,
    })
    const entry: AccountEntry = {
      issuer,
      clientId,
      kind: 'app',
      selfRegistered: false,
      secret: await keptSecret(keep, issuer, clientId, secret),
      scopes:
        option(context, 'scope')
          ?.split(/[\s,]+/)
          .filter(Boolean) ?? [],
      baseUrl: option(context, 'base-url') ?? environment.LATCHKEY_BASE_URL ?? apiOf(metadata),
      helpBase: helpOf(metadata),
      subject: null,
      email: null,
      name: null,
      signedInAt: Date.now(),
    }
    const name = accountOption(context) ?? clientId
    const { auth, account } = await openSession(keep, { name, entry }, context)
    try {
      await account.signOut() // a token of an older secret proves nothing
      await account.token({ signal: context.signal })
      const status = await account.status()
      await keepAccount(keep, context, { name, entry })
      const granted = status.state === 'signed-in' ? status.scope : null
      return { name, entry, scopes: granted?.split(' ') ?? [...entry.scopes] }
    } finally {
      await auth.close()
    }
  } finally {
    waiting.done()
  }
}

function scopesFor(
  context: Context,
  metadata: Metadata,
  registration: RegistrationEntry | null,
): string[] {
  const given = option(context, 'scope')
  if (given !== undefined) return [...new Set(given.split(/[\s,]+/).filter(Boolean))]
  // What the registration grants is the last word; Latchkey's metadata names identity scopes alone.
  const offered =
    registration?.scope?.split(' ') ??
    (isLatchkey(metadata) ? undefined : metadata.scopes_supported)
  return scopesDefault.filter((scope) => offered?.includes(scope) ?? true)
}

/** By loopback in a browser, or by a code on another device. */
async function ask(
  context: Context,
  auth: Auth,
  device: boolean,
  registeredHost: '127.0.0.1' | 'localhost',
): Promise<Account> {
  const { m, terminal, values, signal, locale } = context
  const timeoutSeconds = secondsOption(context, 'timeout', timeoutSecondsDefault)
  const port = portOption(context)
  let waiting = { done: () => {} }
  const loopback = () =>
    signInByLoopback(auth, {
      account: draftAccount,
      signal,
      locale,
      timeoutMs: timeoutSeconds * 1_000,
      host: values.localhost === true ? 'localhost' : registeredHost,
      ...(port === null ? {} : { port }),
      ...(values['no-open'] === true ? { open: () => {} } : {}),
      onLink(link) {
        terminal.say(m.login.link(plain(link)))
        waiting = terminal.waiting(m.login.waitingForBrowser(timeoutSeconds))
      },
    }).catch((error: NodeJS.ErrnoException) => {
      const refused = error.syscall === 'listen' && port !== null
      throw refused ? wrongUsage(m.login.portTaken(port), m.login.portTakenNext) : error
    })
  // The provider says how long a device code lives; an option may only make that shorter.
  const late =
    option(context, 'timeout') === undefined
      ? new AbortController().signal
      : AbortSignal.timeout(timeoutSeconds * 1_000)
  const byCode = () =>
    auth.signInByDevice({
      account: draftAccount,
      signal: AbortSignal.any([signal, late]),
      onPrompt({ link, linkWithCode, code }) {
        const strong = terminal.tone('strong', plain(code))
        terminal.say(m.login.device(plain(link), strong, linkWithCode && plain(linkWithCode)))
        waiting = terminal.waiting(m.login.waitingForDevice)
      },
    })
  try {
    if (!device) return await loopback()
    try {
      return await byCode()
    } catch (error) {
      if (late.aborted && !signal.aborted)
        throw new SignInFailed('sign_in_timeout', {}, { locale, helpBase: null })
      // No device codes for this client: the link works in any browser that reaches this machine.
      if (values.device !== true && error instanceof ProviderMisconfigured) return await loopback()
      throw error
    }
  } finally {
    waiting.done()
  }
}

async function whoIs(account: Account): Promise<Pick<AccountEntry, 'subject' | 'email' | 'name'>> {
  const status = await account.status()
  const subject = status.state === 'signed-in' ? status.subject : null
  // Somebody whose name we cannot learn is signed in all the same.
  const info = await account.userInfo().catch(() => null)
  const text = (name: string) => {
    const value = info?.[name]
    return typeof value === 'string' && value !== '' ? plain(value).slice(0, 200) : null
  }
  return {
    subject: subject ?? text('sub'),
    email: text('email'),
    name: text('name') ?? text('preferred_username'),
  }
}

const keptSecret = async (
  keep: Keep,
  issuer: string,
  clientId: string,
  secret: Awaited<ReturnType<typeof clientSecret>>,
): Promise<AccountEntry['secret']> =>
  secret === null
    ? null
    : secret.from === 'environment'
      ? { from: 'environment' }
      : { sealed: await keep.sealer.seal(sealContext.clientSecret(issuer, clientId), secret.value) }
