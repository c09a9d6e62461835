import { readReason, readRevocation } from '../../../sdk/src/credentials/credential.ts'
import type { Book } from '../accounts/book.ts'
import { accountOption, type Chosen, environmentClient, shellWord } from '../accounts/choose.ts'
import { defaultIssuer, issuerOf } from '../accounts/issuer.ts'
import { bindingOf, type Keep } from '../accounts/keep.ts'
import { look } from '../accounts/look.ts'
import { signInCommandOf } from '../accounts/sign-in-command.ts'
import { nextAfter, whyEnded } from '../accounts/why-ended.ts'
import { type Context, option } from '../command.ts'
import { examineEnvironment } from './environment.ts'
import type { Finding } from './finding.ts'
import { examineFolder } from './folder.ts'
import { examineIssuer } from './issuer.ts'

/** What `doctor` finds out about the sign-ins of this user on this machine. Works offline. */
export async function examineClient(keep: Keep, context: Context): Promise<Finding[]> {
  const { m, values } = context
  const folder = await examineFolder(keep, context) // first: reading tightens modes that are too wide
  const read = await keep.book.read().catch(() => null)
  const unreadable: Finding[] =
    read === null
      ? [
          {
            side: 'client',
            part: m.doctor.files,
            result: 'fail',
            what: m.accounts.bookDamaged,
            next: m.common.run('latchkey login'),
          },
        ]
      : []
  const book: Book = read ?? { current: null, accounts: {}, registrations: {} }
  const named = accountOption(context)
  const wanted = option(context, 'issuer')
  const issuer = wanted === undefined ? null : issuerOf(wanted, m)
  const chosen = Object.entries(book.accounts)
    .map(([name, entry]): Chosen => ({ name, entry }))
    .filter(({ name }) => named === undefined || name === named)
    .filter(({ entry }) => issuer === null || entry.issuer === issuer)
  const fromEnvironment = named === undefined ? environmentClient(context) : null
  if (fromEnvironment) chosen.push(fromEnvironment)
  const accounts = (
    await Promise.all(chosen.map((one) => examineAccount(keep, one, context)))
  ).flat()
  const nobody: Finding[] =
    chosen.length > 0
      ? []
      : [
          {
            side: 'client',
            part: m.doctor.account,
            result: 'warn',
            what: named === undefined ? m.accounts.nobody : m.accounts.unknown(named),
            next: m.common.run(
              issuer === null ? 'latchkey login' : `latchkey login --issuer ${shellWord(issuer)}`,
            ),
          },
        ]
  const issuers = new Set(chosen.map(({ entry }) => entry.issuer))
  if (issuer !== null) issuers.add(issuer)
  if (issuers.size === 0)
    issuers.add(issuerOf(context.environment.LATCHKEY_ISSUER || defaultIssuer, m))
  const network =
    values.offline === true
      ? []
      : await Promise.all(
          [...issuers].map((one) => examineIssuer(keep, book, one, chosen, context)),
        )
  return [
    ...folder,
    ...unreadable,
    ...accounts,
    ...nobody,
    ...examineEnvironment([...issuers], context),
    ...network.flat(),
  ]
}

/** What the store holds for one account: how it stands, and why its last sign-in ended. */
async function examineAccount(keep: Keep, chosen: Chosen, context: Context): Promise<Finding[]> {
  const { m } = context
  const part = m.doctor.accountNamed(chosen.name)
  const again = m.common.run(signInCommandOf(chosen))
  const finding = (result: Finding['result'], what: string, next: string | null): Finding => ({
    side: 'client',
    part,
    result,
    what,
    next,
  })
  const now = Date.now()
  let view: Awaited<ReturnType<typeof look>>
  try {
    view = await look(keep, chosen, now)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown'
    return [finding('fail', m.doctor.storeUnreadable(code), m.doctor.storeNext(keep.dir))]
  }
  const found: Finding[] = []
  switch (view.state) {
    case 'damaged':
      found.push(
        finding(
          'fail',
          m.doctor.damaged(view.stored.state === 'damaged' ? view.stored.detail : '?'),
          again,
        ),
      )
      break
    case 'locked':
      found.push(finding('fail', m.states.locked, m.doctor.lockedNext))
      break
    case 'absent':
      found.push(finding('fail', m.states.absent, again))
      break
    default: {
      const token = m.whoami.tokenText(view.accessExpiresAt, now, view.renewable)
      const next = view.dead ? nextAfter(view.dead, again, context) : again
      const result = view.state === 'signed_in' ? 'ok' : 'fail'
      found.push(
        finding(result, `${m.states[view.state]}; ${token}`, result === 'ok' ? null : next),
      )
    }
  }
  if (view.stored.state === 'present') {
    const held = m.protection[await keep.protection(bindingOf(chosen))]
    found.push(finding('ok', `${m.doctor.atRest}: ${held}`, null))
  }
  const ended = view.dead ?? lastDeath(view)
  if (ended) {
    const why = whyEnded(ended, chosen.name, context)
    const by = ended.by ? ` ${m.doctor.by(ended.by)}` : ''
    found.push(
      view.dead
        ? finding('fail', `${why}${by}`, nextAfter(ended, again, context))
        : finding('ok', `${m.doctor.earlier} ${why}${by}`, null),
    )
  }
  if (view.interrupted)
    found.push(finding('warn', m.doctor.interrupted, m.common.run('latchkey token > /dev/null')))
  return found
}

/** How a sign-in before the present one ended; the journal remembers a few. */
function lastDeath({ stored }: Awaited<ReturnType<typeof look>>) {
  if (stored.state !== 'present') return null
  const entry = stored.credential.journal.findLast(({ event }) => event === 'dead')
  if (!entry) return null
  const { at, by } = entry
  const reason = readReason(entry.reason)
  return { reason, revokedBecause: readRevocation(entry.revokedBecause), at, by: by || null }
}
