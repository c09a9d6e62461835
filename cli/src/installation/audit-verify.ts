import { type CommandRun, print } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { configOf } from './configuration.ts'
import { withTools } from './open.ts'

export const auditVerify: CommandRun = async (context) => {
  const result = await withTools(configOf(context), (tools) => tools.audit.verify())
  const { auditVerify: words } = context.m.installation
  print(context, result, result.ok ? words.whole(result.events) : words.changed(result.seq))
  return result.ok ? exitCodes.done : exitCodes.failed
}
