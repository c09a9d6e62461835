import { type CommandRun, type Context, print } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { wrongUsage } from '../trouble.ts'
import type { Book } from './book.ts'
import { accountOption, type Chosen, chooseAccount, readBook } from './choose.ts'
import { bindingOf, type Keep, openKeep, type Protection } from './keep.ts'
import { look, type View } from './look.ts'
import { signInCommandOf } from './sign-in-command.ts'
import { whyEnded } from './why-ended.ts'

/**
 * `latchkey whoami`: who is signed in, where that is kept and what protects it. Reads this machine
 * only; `--verify` asks the provider as well. Exit code 3 when a sign-in is needed.
 */
export const whoami: CommandRun = async (context) => {
  const { values, m } = context
  const keep = openKeep(context)
  if (values.all === true && accountOption(context) !== undefined)
    throw wrongUsage(m.common.notTogether('--all', '--account'))
  const book = await readBook(keep, context)
  const chosen: Chosen[] = values.all
    ? Object.entries(book.accounts).map(([name, entry]) => ({ name, entry }))
    : []
  if (chosen.length === 0) chosen.push(await chooseAccount(keep, context))
  const verified = values.verify === true
  if (verified) for (const one of chosen) await verify(keep, one, context)
  const shown = await Promise.all(
    chosen.map(async (one) => {
      const view = await look(keep, one, Date.now())
      const protection = await keep.protection(bindingOf(one))
      const seen = { keep, chosen: one, view, protection }
      return { view, text: text(seen, context), json: describe(seen, book, verified) }
    }),
  )
  print(
    context,
    values.all === true ? { accounts: shown.map(({ json }) => json) } : shown[0]?.json,
    shown.map((one) => one.text).join('\n\n'),
  )
  const states = new Set(shown.map(({ view }) => view.state))
  if (['ended', 'absent', 'damaged'].some((state) => states.has(state as View['state'])))
    return exitCodes.signInRequired
  return states.has('locked') ? exitCodes.store : exitCodes.done
}

async function verify(keep: Keep, chosen: Chosen, context: Context): Promise<void> {
  const { withSession } = await import('./session.ts')
  const waiting = context.terminal.waiting(context.m.whoami.asking(chosen.entry.issuer))
  try {
    await withSession(keep, chosen, context, async ({ account }) => {
      if (chosen.entry.kind === 'person') await account.userInfo()
      else await account.token({ signal: context.signal })
    })
  } finally {
    waiting.done()
  }
}

const rfc3339 = (at: number | null) => (at === null ? null : new Date(at).toISOString())

type Seen = { keep: Keep; chosen: Chosen; view: View; protection: Protection }

function describe({ keep, chosen, view, protection }: Seen, book: Book, verified: boolean) {
  const { name, entry } = chosen
  return {
    account: name,
    current: book.current === name,
    kind: entry.kind,
    issuer: entry.issuer,
    client_id: entry.clientId,
    self_registered: entry.selfRegistered,
    subject: entry.subject,
    email: entry.email,
    name: entry.name,
    state: view.state,
    verified,
    scopes: view.scopes,
    access_expires_at: rfc3339(view.accessExpiresAt),
    renewable: view.renewable,
    ended: view.dead
      ? {
          reason: view.dead.reason,
          revoked_because: view.dead.revokedBecause,
          at: rfc3339(view.dead.at),
        }
      : null,
    signed_in_at: rfc3339(entry.signedInAt || null),
    base_url: entry.baseUrl,
    stored_in: keep.dir,
    key_held_by: protection,
  }
}

function text({ keep, chosen, view, protection }: Seen, context: Context): string {
  const { m, terminal } = context
  const { name, entry } = chosen
  const { whoami: words } = m
  const rows: [string, string][] = [
    [words.account, name],
    ...(entry.email && entry.email !== name ? [row(words.email, entry.email)] : []),
    [words.issuer, entry.issuer],
    [words.client, entry.selfRegistered ? words.registered(entry.clientId) : entry.clientId],
    [words.state, m.states[view.state]],
    [words.scopes, view.scopes.join(' ') || '–'],
    ...(view.stored.state === 'present'
      ? [row(words.token, words.tokenText(view.accessExpiresAt, Date.now(), view.renewable))]
      : []),
    ...(entry.baseUrl ? [row(words.baseUrl, entry.baseUrl)] : []),
    [words.storedIn, keep.dir],
    [words.protectedBy, m.protection[protection]],
  ]
  const width = Math.max(...rows.map(([label]) => columns(label)))
  const lines = rows.map(([label, value]) => {
    const gap = ' '.repeat(width - columns(label) + 2)
    return `${terminal.tone('quiet', label, 'out')}${gap}${value}`
  })
  if (view.dead) lines.push('', whyEnded(view.dead, name, context))
  if (view.state !== 'signed_in' && view.state !== 'locked')
    lines.push(`${terminal.tone('strong', '→', 'out')} ${m.common.run(signInCommandOf(chosen))}`)
  return lines.join('\n')
}

const row = (label: string, value: string): [string, string] => [label, value]

/** Columns in a terminal: Chinese takes two. */
const columns = (label: string): number =>
  [...label].reduce(
    (sum, one) => sum + (/\p{Script=Han}|[\u3000-\u303f\uff00-\uffef]/u.test(one) ? 2 : 1),
    0,
  )
