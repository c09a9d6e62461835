import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { databases, scratchPostgres } from '../../../../test/harness/server.ts'
import { migrate } from '../../platform/db/migrate.ts'
import { openDatabase } from '../../platform/db/open.ts'
import { sqlGrantStore } from '../grants/store.sql.ts'
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
    await database.statement(`insert into accounts
      (id, name, email, password_hash, locale, state, epoch, created_at, updated_at)
      values ('acct_1', 'Mei', 'mei@example.com', '', 'en', 'active', 0, 0, 0)`)([])
    closing.push(async () => {
      await database.close()
      await scratch?.drop()
      await rm(dataDir, { recursive: true, force: true })
    })
    return { store: sqlArtifactStore(database), grants: sqlGrantStore(database) }
  })
