import { openDataFolder } from '../../server/src/platform/data-folder/data-folder.ts'
import { migrate, pendingMigrations } from '../../server/src/platform/db/migrate.ts'
import { openDatabase } from '../../server/src/platform/db/open.ts'
import { step } from '../../server/src/start-trouble.ts'
import { type Command, configOf, done, explained, pending, print } from './command.ts'

export const migrateCommand: Command = {
  usage: '[--status]',
  summary: 'Bring the database to this version',
  help: 'The server does this by itself at its start; several nodes may start together. With --status nothing is changed: exit code 3 says that something is pending.',
  options: { status: { type: 'boolean' } },
  async run(context) {
    const config = configOf(context)
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
      print(
        context,
        { pending: waiting },
        waiting.length === 0 ? 'Nothing is pending.' : `Pending: ${waiting.join(', ')}`,
      )
      return waiting.length === 0 ? done : pending
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
    print(
      context,
      { applied },
      applied.length === 0 ? 'Nothing was pending.' : `Applied: ${applied.join(', ')}`,
    )
    return done
  },
}
