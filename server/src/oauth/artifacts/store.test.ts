import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { databases, scratchPostgres } from '../../../../test/harness/server.ts'
import { migrate } from '../../platform/db/migrate.ts'
import { openDatabase } from '../../platform/db/open.ts'
import { artifactStoreContract } from './store.contract.ts'
import { sqlArtifactStore } from './store.sql.ts'

const closing: (() => Promise<unknown>)[] = []
after(async () => {
  for (const close of closing) await close()
})

for (const kind of databases)
  artifactStoreContract(kind, async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'latchkey-artifacts-'))
    const scratch = kind === 'postgres' ? await scratchPostgres() : null
    const database = openDatabase({ url: scratch?.url ?? null, dataDir })
    await migrate(database)
    closing.push(async () => {
      await database.close()
      await scratch?.drop()
      await rm(dataDir, { recursive: true, force: true })
    })
    return sqlArtifactStore(database)
  })
