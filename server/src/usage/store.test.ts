import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { migrate } from '#platform/db/migrate.ts'
import { openDatabase } from '#platform/db/open.ts'
import { databases, scratchPostgres } from '../../../test/harness/server.ts'
import { usageStoreContract } from './store.contract.ts'
import { sqlUsageStore } from './store.sql.ts'

for (const kind of databases)
  usageStoreContract(kind, async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'latchkey-usage-'))
    const scratch = kind === 'postgres' ? await scratchPostgres() : null
    const database = openDatabase({ url: scratch?.url ?? null, dataDir })
    await migrate(database)
    return {
      store: sqlUsageStore(database),
      async close() {
        await database.close()
        await scratch?.drop()
        await rm(dataDir, { recursive: true, force: true })
      },
    }
  })
