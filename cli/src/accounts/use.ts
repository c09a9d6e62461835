import { type CommandRun, print } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { Trouble } from '../trouble.ts'
import { readBook } from './choose.ts'
import { openKeep } from './keep.ts'

/** `latchkey use NAME`: makes it the account that commands without `--account` mean. */
export const use: CommandRun = async (context) => {
  const { m, positionals } = context
  const [name = ''] = positionals
  const keep = openKeep(context)
  const book = await readBook(keep, context)
  const known = Object.keys(book.accounts)
  if (!known.includes(name))
    throw new Trouble(m.accounts.unknown(name), {
      code: 'account_unknown',
      exitCode: exitCodes.signInRequired,
      next: known.length > 0 ? m.accounts.known(known) : m.common.run('latchkey login'),
    })
  await keep.book.change((all) => {
    if (Object.hasOwn(all.accounts, name)) all.current = name
  })
  print(context, { account: name }, m.accounts.nowCurrent(name))
  return exitCodes.done
}
