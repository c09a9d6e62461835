import { type Command, configOf, done, failed, print } from './command.ts'
import { withTools } from './open.ts'

export const auditVerify: Command = {
  usage: '',
  summary: 'Walk the audit log and prove that nobody has changed it',
  help: 'Each line carries the hash of the one before. Names the first line that does not follow; exit code 1 then. The server may be running.',
  options: {},
  async run(context) {
    const result = await withTools(configOf(context), (tools) => tools.audit.verify())
    print(
      context,
      result,
      result.ok
        ? `The audit log is whole: ${result.events} lines, each follows from the one before.`
        : `The audit log was changed: line ${result.seq} does not follow from the one before. Everything from there on is in doubt; compare with a backup.`,
    )
    return result.ok ? done : failed
  },
}
