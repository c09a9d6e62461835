import { type Context, option } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Messages } from '../messages/en.ts'
import { Trouble, wrongUsage } from '../trouble.ts'
import type { AccountEntry, Book } from './book.ts'
import { issuerOf } from './issuer.ts'
import type { Keep } from './keep.ts'

export type Chosen = { name: string; entry: AccountEntry }

/** The book, or the trouble that says how to get out. */
export async function readBook({ book }: Keep, { m }: Context): Promise<Book> {
  const read = await book.read()
  if (read) return read
  throw new Trouble(m.accounts.bookDamaged, {
    code: 'accounts_damaged',
    exitCode: exitCodes.store,
    next: m.common.run('latchkey login'),
  })
}

/** `--account` or its other name. */
export const accountOption = (context: Context): string | undefined =>
  option(context, 'account') ?? option(context, 'profile')

/**
 * The account that is meant: by name, else the client of the environment, else the one of this
 * issuer, else the current one. Throws what to do when there is none, or no single one. A name that
 * is not at the issuer named beside it is nobody; a name of the environment gives way to `--issuer`.
 */
export async function chooseAccount(keep: Keep, context: Context): Promise<Chosen> {
  const { environment, m } = context
  const named = accountOption(context)
  const name = named ?? (environment.LATCHKEY_ACCOUNT || undefined)
  if (name === undefined) {
    const fromEnvironment = environmentClient(context)
    if (fromEnvironment) return fromEnvironment
  }
  const book = await readBook(keep, context)
  const names = Object.keys(book.accounts)
  const at = option(context, 'issuer')
  if (name !== undefined) {
    const entry = Object.hasOwn(book.accounts, name) ? book.accounts[name] : undefined
    if (entry && (at === undefined || entry.issuer === issuerOf(at, m))) return { name, entry }
    if (entry === undefined || named !== undefined)
      throw nobodyOfThatName(name, entry ?? null, names, m)
  }
  const wanted = at ?? (environment.LATCHKEY_ISSUER || undefined)
  const issuer = wanted === undefined ? null : issuerOf(wanted, m)
  const fitting = names.filter((one) => issuer === null || book.accounts[one]?.issuer === issuer)
  const pick = fitting.find((one) => one === book.current) ?? fitting[0]
  const entry = pick === undefined ? undefined : book.accounts[pick]
  if (pick === undefined || !entry)
    throw new Trouble(issuer === null ? m.accounts.nobody : m.accounts.nobodyAt(issuer), {
      code: 'sign_in_required',
      exitCode: exitCodes.signInRequired,
      next: m.common.run(
        issuer === null ? 'latchkey login' : `latchkey login --issuer ${shellWord(issuer)}`,
      ),
    })
  if (pick !== book.current && fitting.length > 1)
    throw wrongUsage(m.accounts.several(fitting), m.accounts.severalNext)
  return { name: pick, entry }
}

function nobodyOfThatName(
  name: string,
  elsewhere: AccountEntry | null,
  names: readonly string[],
  m: Messages,
): Trouble {
  const refused = { code: 'account_unknown', exitCode: exitCodes.signInRequired }
  if (elsewhere)
    return new Trouble(m.accounts.unknownAt(name, elsewhere.issuer), {
      ...refused,
      next: m.accounts.unknownAtNext,
    })
  const next =
    names.length > 0
      ? m.accounts.known(names)
      : m.common.run(`latchkey login --account ${shellWord(name)}`)
  return new Trouble(m.accounts.unknown(name), { ...refused, next })
}

/** An app whose id and secret are in the environment needs no sign-in, as in CI. */
export function environmentClient(context: Context): Chosen | null {
  const { LATCHKEY_CLIENT_ID, LATCHKEY_CLIENT_SECRET, LATCHKEY_ISSUER, LATCHKEY_BASE_URL } =
    context.environment
  const wanted = option(context, 'issuer') ?? LATCHKEY_ISSUER
  if (!LATCHKEY_CLIENT_ID || !LATCHKEY_CLIENT_SECRET || !wanted) return null
  const issuer = issuerOf(wanted, context.m)
  return {
    name: LATCHKEY_CLIENT_ID,
    entry: {
      issuer,
      clientId: LATCHKEY_CLIENT_ID,
      kind: 'app',
      selfRegistered: false,
      secret: { from: 'environment' },
      scopes: [],
      baseUrl: LATCHKEY_BASE_URL || null,
      helpBase: null,
      subject: null,
      email: null,
      name: null,
      signedInAt: 0,
    },
  }
}

/** A word as a shell takes it, for commands that people copy. */
export const shellWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
