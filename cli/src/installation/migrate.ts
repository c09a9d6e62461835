import { openDataFolder } from '../../../server/src/platform/data-folder/data-folder.ts'
import { migrate, pendingMigrations } from '../../../server/src/platform/db/migrate.ts'
import { openDatabase } from '../../../server/src/platform/db/open.ts'
import { step } from '../../../server/src/start-trouble.ts'
import { type CommandRun, print } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { configOf, explained } from './configuration.ts'

export const migrateCommand: CommandRun = async (context) => {
  const config = configOf(context)
  const { migrate: words } = context.m.installation
  const open = () =>
    openDatabase({ url: config.databaseUrl?.reveal() ?? null, dataDir: config.dataDir })
  if (context.values.status === true) {
    const waiting = await explained(config, () =>
      step('database', async () => {
        const database = open()
        try {
          return await pendingMigrations(database)
        } finally {
          await database.close()
        }
      }),
    )
    print(context, { pending: waiting }, words.pending(waiting))
    return waiting.length === 0 ? exitCodes.done : exitCodes.signInRequired
  }
  const applied = await explained(config, async () => {
    const folder = await step('data folder', () => openDataFolder(config.dataDir))
    try {
      return await step('database', async () => {
        const database = open()
        try {
          return await migrate(database)
        } finally {
          await database.close()
        }
      })
    } finally {
      folder.release()
    }
  })
  print(context, { applied }, words.applied(applied))
  return exitCodes.done
}
