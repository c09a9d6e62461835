import { type OperatorRole, operatorRoles } from '../../../server/src/platform/http/access.ts'
import { type CommandRun, option, print } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { wrongUsage } from '../trouble.ts'
import { configOf } from './configuration.ts'
import { withTools } from './open.ts'

const isRole = (value: unknown): value is OperatorRole =>
  operatorRoles.includes(value as OperatorRole)

export const operatorCreate: CommandRun = async (context) => {
  const { operatorCreate: words } = context.m.installation
  const email = option(context, 'email')
  const role = option(context, 'role')
  if (email === undefined)
    throw wrongUsage(
      words.emailMissing,
      context.m.common.run('latchkey operator create --email you@example.com'),
    )
  if (!isRole(role)) throw wrongUsage(context.m.common.oneOf(operatorRoles))
  const made = await withTools(configOf(context), (tools) =>
    tools.mintOperatorLink({ email, role }),
  )
  if (!made.ok) throw wrongUsage(words.notAnAddress)
  print(
    context,
    { link: made.link, email, role, expires_in: 86_400 },
    `${words.open(role)}\n${made.link}`,
  )
  return exitCodes.done
}
