import type { Config } from '../../../server/src/config.ts'
import { explainStart } from '../../../server/src/start-trouble.ts'
import { NotMigrated, openTools, type Tools } from '../../../server/src/tools.ts'
import { edges } from './configuration.ts'

/** Opens the installation for one command and closes it again. */
export async function withTools<T>(config: Config, work: (tools: Tools) => Promise<T>): Promise<T> {
  const tools = await openTools(config, edges).catch((error: Error) => {
    const told =
      error.cause instanceof NotMigrated
        ? 'The database is not of this version yet. Run "latchkey migrate", or start the server once.'
        : explainStart(error, config)
    throw new Error(told, { cause: error })
  })
  try {
    return await work(tools)
  } finally {
    await tools.close()
  }
}
