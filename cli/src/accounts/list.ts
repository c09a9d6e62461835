import { type CommandRun, print } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { readBook } from './choose.ts'
import { openKeep } from './keep.ts'
import { look } from './look.ts'

/** `latchkey accounts`: who is signed in here; `--names` is for shell completion. */
export const listAccounts: CommandRun = async (context) => {
  const { m, terminal } = context
  const keep = openKeep(context)
  const book = await readBook(keep, context)
  const names = Object.keys(book.accounts)
  if (context.values.names === true) {
    if (names.length > 0 || context.json) print(context, names, names.join('\n'))
    return exitCodes.done
  }
  const rows = await Promise.all(
    Object.entries(book.accounts).map(async ([name, entry]) => ({
      account: name,
      current: name === book.current,
      kind: entry.kind,
      issuer: entry.issuer,
      email: entry.email,
      state: (await look(keep, { name, entry }, Date.now())).state,
    })),
  )
  const width = Math.max(0, ...names.map((name) => name.length))
  const lines = rows.map(({ account, current, issuer, state }) => {
    const mark = current ? terminal.tone('good', '*', 'out') : ' '
    const shown = terminal.tone(state === 'signed_in' ? 'quiet' : 'warn', m.states[state], 'out')
    return `${mark} ${account.padEnd(width)}  ${issuer}  ${shown}`
  })
  print(context, { accounts: rows }, lines.join('\n') || m.accounts.none)
  return exitCodes.done
}
