import type { CommandRun } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'

export const serve: CommandRun = async ({ environment }) => {
  const { main } = await import('../../../server/src/main.ts')
  await main(environment)
  return exitCodes.done
}
