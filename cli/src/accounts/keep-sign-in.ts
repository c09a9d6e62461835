import {
  type Credential,
  journalLength,
  sameBinding,
} from '../../../sdk/src/credentials/credential.ts'
import { loadToReplace } from '../../../sdk/src/credentials/store.ts'
import type { Context } from '../command.ts'
import { plain } from '../terminal/terminal.ts'
import { wrongUsage } from '../trouble.ts'
import type { AccountEntry } from './book.ts'
import { accountOption, type Chosen } from './choose.ts'
import { endSignIn, takeAway } from './end.ts'
import { bindingOf, type Keep } from './keep.ts'

/** `--account`, else who it is; with the provider's host in front where another one has that name. */
export async function nameFor(keep: Keep, context: Context, entry: AccountEntry): Promise<string> {
  const given = accountOption(context)
  if (given !== undefined) {
    if (given === '' || given.length > 200 || plain(given) !== given)
      throw wrongUsage(context.m.common.optionValue('--account'))
    return given
  }
  const accounts = (await keep.book.read())?.accounts ?? {}
  const label = entry.email ?? entry.name ?? entry.subject ?? 'default'
  const taken = Object.hasOwn(accounts, label) ? accounts[label] : undefined
  const same = taken && taken.issuer === entry.issuer && taken.subject === entry.subject
  return !taken || same ? label : `${new URL(entry.issuer).host}/${label}`
}

/**
 * Saves the credential, then names the account in the book, then ends at the provider what was
 * signed in under that name before.
 */
export async function keepSignIn(
  keep: Keep,
  context: Context,
  chosen: Chosen,
  fresh: Credential,
): Promise<void> {
  const binding = bindingOf(chosen)
  const { store } = keep
  const replaced = await store.exclusive(binding, async () => {
    const stored = await loadToReplace(store, binding)
    const old = stored.state === 'present' ? stored : null
    const credential = {
      ...fresh,
      binding,
      generation: (old?.credential.generation ?? 0) + 1,
      // How the last sign-in ended stays readable for `doctor`.
      journal: [...(old?.credential.journal ?? []), ...fresh.journal].slice(-journalLength),
    }
    if ((await store.save(binding, credential, old?.revision ?? null)) === null)
      throw new Error('another process saved at the same moment')
    return old?.credential ?? null
  })
  const before = await keepAccount(keep, context, chosen)
  if (replaced) await end(keep, context, { ...chosen, entry: before ?? chosen.entry }, replaced)
}

/**
 * Names the account in the book as the current one, and ends what it was before where that was
 * somebody or something else. Answers that.
 */
export async function keepAccount(
  keep: Keep,
  context: Context,
  chosen: Chosen,
): Promise<AccountEntry | null> {
  const { name, entry } = chosen
  let before: AccountEntry | null = null
  await keep.book.change((book) => {
    before = Object.hasOwn(book.accounts, name) ? (book.accounts[name] ?? null) : null
    book.accounts[name] = entry
    book.current = name
  })
  if (before === null) return null
  const old: Chosen = { name, entry: before }
  if (!sameBinding(bindingOf(old), bindingOf(chosen))) {
    const left = await takeAway(keep, old)
    if (left) await end(keep, context, old, left)
  }
  return before
}

/** A sign-in that lives on at the provider although it was replaced here is worth a line. */
async function end(keep: Keep, context: Context, old: Chosen, credential: Credential) {
  const { m, terminal } = context
  const revoked = await endSignIn(keep, context, old, credential)
  if (revoked.atProvider === 'unreachable' || revoked.atProvider === 'refused')
    terminal.say(terminal.tone('warn', m.login.oldLivesOn(old.entry.issuer, revoked.detail)))
}
