import { freshTokenWrapper } from './adapters/fresh-token.ts'
import { bindingOf, type Context } from './context.ts'
import {
  type Death,
  type JournalEntry,
  sameBinding,
  type TokenSet,
} from './credentials/credential.ts'
import { memoryStore } from './credentials/memory-store.ts'
import type { CredentialStore } from './credentials/store.ts'
import { type LatchkeyError, SignInFailed, SignInRequired } from './errors/errors.ts'
import type { Locale } from './errors/messages.ts'
import { type Listener, Listeners } from './events.ts'
import { authorizedFetch, type FetchOptions } from './http/authorized-fetch.ts'
import { errorOf } from './http/refusal.ts'
import { type Clock, systemClock } from './platform/clock.ts'
import { type Random, systemRandom } from './platform/random.ts'
import type { ClientOptions } from './provider/client.ts'
import {
  clientCredentialsGrant,
  plainCodeGrant,
  type Revoked,
  refreshGrant,
  revoke,
  userInfo,
} from './provider/grants.ts'
import { Proofs } from './provider/proofs.ts'
import type { Provider } from './provider/provider.ts'
import { type Fetch, wire } from './provider/wire.ts'
import { type DeviceOptions, signInByDevice } from './sign-in/device.ts'
import { tokensOf } from './sign-in/finish.ts'
import {
  beginRedirect,
  finishRedirect,
  type RedirectOptions,
  type Transaction,
} from './sign-in/redirect.ts'
import type { TokenOptions } from './tokens/demand.ts'
import { Keeper } from './tokens/keeper.ts'
import { defaultEarlyWindow } from './tokens/lifetime.ts'

export type AuthOptions = ClientOptions & {
  /** `discover(issuer)`, or `endpoints({…})` for providers that publish none. */
  provider: Provider
  /** Asked for at sign-in. Add `offline_access` where the provider wants it for refresh tokens. */
  scopes?: string[]
  /** Resource indicator (RFC 8707): the API the tokens are for. */
  resource?: string
  /**
   * Bind tokens to a key that this app alone holds (DPoP, RFC 9449). A provider that does not is
   * refused at sign-in. Default false; what is signed in already stays as it is.
   */
  dpop?: boolean
  /** Where credentials are kept. Default: this process's memory. */
  store?: CredentialStore
  refresh?: {
    /** How long before expiry renewal begins, milliseconds, at most. Default one hour. */
    earlyMs?: number
    /** Share of the window by which nodes spread. Default 0.1. */
    jitter?: number
    /** Renew by an unref'd timer even when nobody asks for a token. Default true. */
    background?: boolean
  }
  /** The language of error texts. Default `en`. */
  locale?: Locale
  /** Where help articles are, such as `https://id.example.org/help/`. */
  helpBase?: string
  /** For one call to the provider, body included. Default 10 000. */
  timeoutMs?: number
  /** Names this process in the credential's journal, such as `4711@host`. */
  processName?: string
  fetch?: Fetch
  clock?: Clock
  random?: Random
}

export type AccountStatus =
  | { state: 'signed-out' }
  | {
      state: 'signed-in'
      generation: number
      subject: string | null
      scope: string | null
      /** Null: the provider gave no lifetime. */
      accessExpiresAt: number | null
      canRefresh: boolean
      dead: Death | null
      /** A renewal was cut off and is not resolved yet. */
      interrupted: boolean
      journal: JournalEntry[]
    }

/** One signed-in account: an access token that never goes stale. */
export type Account = {
  readonly name: string
  /** A living access token; waits only when there is none. Rejects with `SignInRequired`. */
  token(options?: TokenOptions): Promise<string>
  /**
   * The token at hand without waiting, or null: call `token()` then. Looks at the clock once a second
   * rather than each time: just after a machine's sleep it may answer what has expired meanwhile.
   */
  peek(): string | null
  status(): Promise<AccountStatus>
  /** A drop-in `fetch` that is always signed in. Make it once and keep it: it holds the queue. */
  fetch(options: FetchOptions): Fetch
  /**
   * What a request of another HTTP client has to carry: `authorization`, and with `dpop` a proof for
   * this very request. `nonce`: the `DPoP-Nonce` of the last answer from there, if it sent one.
   */
  headers(request: {
    url: string | URL
    method?: string
    nonce?: string
  }): Promise<Record<string, string>>
  /** The typed error for a refused response, or null. The response stays readable. */
  errorOf(response: Response): Promise<LatchkeyError | null>
  /** Fills the token in as the last parameter of `fn`; also a standard method decorator. */
  withFreshToken: ReturnType<typeof freshTokenWrapper>
  /** Who this is, as the provider's userinfo says; null where there is none. */
  userInfo(): Promise<Record<string, unknown> | null>
  /**
   * Ends the sign-in at the provider, then forgets it here. A provider that cannot be reached does
   * not keep anybody signed in here; the answer says so.
   */
  signOut(): Promise<Revoked>
}

export type Auth = {
  /** The language of its error texts. */
  readonly locale: Locale
  /** The account of that name, signed in or not. Touches neither store nor network. */
  account(name?: string): Account
  /** Names of the stored accounts of this provider and client. */
  accounts(): Promise<string[]>
  /** The app itself, by client credentials: signs in when first asked for a token. */
  app(): Account
  beginSignIn(options: RedirectOptions): Promise<{ url: URL; transaction: Transaction }>
  /** With null, as from a session that has none, it is refused as somebody else's. */
  finishSignIn(transaction: Transaction | null, callback: URL | string): Promise<Account>
  signInByDevice(options: DeviceOptions): Promise<Account>
  /** The plain confidential client: a code in, a signed-in account out. */
  signInByCode(code: string, options?: { account?: string; redirectUri?: string }): Promise<Account>
  /**
   * Moves the seals of all stored accounts to the newest version of their key, without opening them:
   * after a rotation, before the old version is switched off. Answers how many; 0 where seals have no
   * versions. Data keys in use elsewhere last for their `maxAgeMs`: rotate, wait that long, rewrap.
   */
  rewrap(): Promise<number>
  /**
   * Lets go of an account in this process: its timer and its memory; what is stored stays. For servers
   * with many accounts, when a session ends. `account(name)` opens it again.
   */
  release(name?: string): Promise<void>
  /** What happens, without secrets. Answers how to stop listening. */
  on(listener: Listener): () => void
  /** Stops timers and lets a renewal under way finish. */
  close(): Promise<void>
}

const defaultAccount = 'default'
const appAccount = '(app)'

/** Signs in with one provider and keeps its accounts signed in. Does nothing until asked. */
export function createAuth(options: AuthOptions): Auth {
  checked(options)
  const clock = options.clock ?? systemClock
  const store = options.store ?? memoryStore()
  // Looked up per call, so that a replaced global fetch is honoured.
  const send = options.fetch ?? ((input, init) => fetch(input, init))
  const wired = wire(send, clock, options.timeoutMs ?? 10_000)
  const context: Context = {
    provider: options.provider,
    client: options,
    scopes: options.scopes ?? [],
    resource: options.resource ?? null,
    store,
    wire: wired,
    proofs: new Proofs(store, wired, clock),
    dpop: options.dpop ?? false,
    voice: { locale: options.locale ?? 'en', helpBase: options.helpBase ?? null },
    clock,
    random: options.random ?? systemRandom,
    listeners: new Listeners(),
  }
  context.store.watch?.((warning) =>
    context.listeners.warn(warning, clock.now(), context.voice.locale),
  )
  const unheard = context.store.changes?.((binding) => {
    const known = keepers.get(binding.account)
    if (known && sameBinding(binding, bindingOf(context, binding.account)))
      void known.keeper.changed()
  })
  const keepers = new Map<string, { keeper: Keeper; account: Account }>()

  const open = (name: string, kind: 'refresh' | 'mint') => {
    const known = keepers.get(name)
    if (known) return known
    const keeper = new Keeper(bindingOf(context, name), {
      ...context,
      kind,
      by: options.processName ?? '',
      early: {
        earlyMs: options.refresh?.earlyMs ?? defaultEarlyWindow.earlyMs,
        jitter: options.refresh?.jitter ?? defaultEarlyWindow.jitter,
      },
      background: options.refresh?.background ?? true,
      redeem: (previous) =>
        kind === 'mint' || previous === null
          ? clientCredentialsGrant(context, previous)
          : refreshGrant(context, previous),
      forget: (key) => context.proofs.forget(key),
    })
    const entry = { keeper, account: accountOf(context, name, keeper) }
    keepers.set(name, entry)
    return entry
  }
  const signedIn = async (name: string, tokens: TokenSet) => {
    const { keeper, account } = open(name, 'refresh')
    try {
      await keeper.signedIn(tokens)
    } catch (error) {
      await revoke(context, tokens) // nobody holds them now, so nobody could ever end them
      throw error
    }
    return account
  }

  const names = () => {
    const { issuer } = context.provider
    const { clientId } = context.client
    return context.store.list({ issuer, clientId, resource: context.resource ?? '' })
  }

  return {
    locale: context.voice.locale,
    account: (name = defaultAccount) => open(name, 'refresh').account,
    app: () => open(appAccount, 'mint').account,
    async accounts() {
      return (await names()).filter((name) => name !== appAccount)
    },
    async rewrap() {
      let moved = 0
      for (const name of await names())
        if (await context.store.rewrap?.(bindingOf(context, name))) moved++
      return moved
    },
    beginSignIn: (by) => beginRedirect(context, { ...by, account: by.account ?? defaultAccount }),
    async finishSignIn(transaction, callback) {
      if (!transaction) {
        const detail = 'this browser did not begin it'
        throw new SignInFailed('sign_in_invalid', { detail }, context.voice)
      }
      const tokens = await finishRedirect(context, transaction, new URL(callback))
      return signedIn(transaction.account, tokens)
    },
    async signInByDevice(by) {
      const account = by.account ?? defaultAccount
      return signedIn(account, await signInByDevice(context, { ...by, account }))
    },
    async signInByCode(code, by = {}) {
      const account = by.account ?? defaultAccount
      const result = await plainCodeGrant(context, code, by.redirectUri)
      return signedIn(account, tokensOf(context, result, account))
    },
    async release(name = defaultAccount) {
      const known = keepers.get(name)
      keepers.delete(name)
      await known?.keeper.close()
    },
    on: (listener) => context.listeners.add(listener),
    async close() {
      unheard?.()
      await Promise.all([...keepers.values()].map(({ keeper }) => keeper.close()))
    },
  }
}

/** What JavaScript lets through, and an unset variable of the environment even with TypeScript. */
function checked(options: AuthOptions): void {
  if (typeof options?.provider?.metadata !== 'function')
    throw new TypeError("provider: discover('https://…') or endpoints({ token: 'https://…' })")
  if (typeof options.clientId !== 'string' || options.clientId === '')
    throw new TypeError('clientId: is missing; is its environment variable set?')
  if (options.clientSecret === '')
    throw new TypeError('clientSecret: is empty; leave it out for a public client')
}

function accountOf(context: Context, name: string, keeper: Keeper): Account {
  return {
    name,
    token: (by) => keeper.token(by),
    peek: () => keeper.peek(),
    fetch: (by) =>
      authorizedFetch(by, {
        ...context,
        token: (wanted) => keeper.token(wanted),
        keyOf: (token) => keeper.keyOf(token),
      }),
    async headers({ url, method = 'GET', nonce }) {
      const token = await keeper.token()
      const key = keeper.keyOf(token)
      if (key === null) return { authorization: `Bearer ${token}` }
      const request = { token, url: new URL(url), method, ...(nonce ? { nonce } : {}) }
      return { ...(await context.proofs.headers(key, request)) }
    },
    errorOf: (response) => errorOf(response, name, context.clock, context.voice),
    withFreshToken: freshTokenWrapper((by) => keeper.token(by)),
    async status() {
      const credential = await keeper.credential()
      if (credential === null) return { state: 'signed-out' }
      const { tokens, generation, dead, intent, journal } = credential
      return {
        state: 'signed-in',
        generation,
        subject: tokens.subject,
        scope: tokens.scope,
        accessExpiresAt: tokens.lifetimeMs === null ? null : tokens.obtainedAt + tokens.lifetimeMs,
        canRefresh: tokens.refreshToken !== null && dead === null,
        dead,
        interrupted: intent !== null,
        journal,
      }
    },
    async userInfo() {
      let access = await keeper.token()
      for (let tries = 1; ; tries++) {
        const credential = await keeper.credential()
        const found = await userInfo(context, access, credential?.tokens ?? null)
        if (found !== 'refused') return found
        const next = tries === 1 ? await keeper.token({ stale: access }) : access
        if (next === access)
          throw new SignInRequired('token_refused', { account: name }, context.voice)
        access = next
      }
    },
    async signOut() {
      const ended = await keeper.signedOut((tokens) => revoke(context, tokens))
      return ended ?? { atProvider: 'nothing-to-end' }
    },
  }
}
