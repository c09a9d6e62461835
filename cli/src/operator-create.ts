import { type OperatorRole, operatorRoles } from '../../server/src/platform/http/access.ts'
import { type Command, configOf, done, print, usageError } from './command.ts'
import { withTools } from './open.ts'

const isRole = (value: unknown): value is OperatorRole =>
  operatorRoles.includes(value as OperatorRole)

export const operatorCreate: Command = {
  usage: `--email E [--role ${operatorRoles.join('|')}]`,
  summary: 'Print a one-time link that makes its holder an operator',
  help: 'The link works for 24 hours; a new one for the same address replaces it. The server may be running. The link is a secret: whoever opens it gets the role.',
  options: { email: { type: 'string' }, role: { type: 'string', default: 'operator' } },
  async run(context) {
    const { email, role } = context.values
    if (typeof email !== 'string') {
      process.stderr.write('Name the address: latchkey operator create --email you@example.com\n')
      return usageError
    }
    if (!isRole(role)) {
      process.stderr.write(`The role must be one of ${operatorRoles.join(', ')}.\n`)
      return usageError
    }
    const made = await withTools(configOf(context), (tools) =>
      tools.mintOperatorLink({ email, role }),
    )
    if (!made.ok) {
      process.stderr.write('That is not a mail address.\n')
      return usageError
    }
    print(
      context,
      { link: made.link, email, role, expires_in: 86_400 },
      `Open this link within 24 hours to become ${role}; it works once:\n${made.link}`,
    )
    return done
  },
}
