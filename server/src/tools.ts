import { localKeyring } from '#platform/crypto/keyring.ts'
import { loadRootKey, parseRootKey } from '#platform/crypto/root-key.ts'
import { Secret } from '#platform/crypto/secret.ts'
import { pendingMigrations } from '#platform/db/migrate.ts'
import { openDatabase } from '#platform/db/open.ts'
import { makeIds } from '#platform/ids/ids.ts'
import { mintOperatorLink, sqlChallenges } from './accounts/index.ts'
import { type Audit, createAudit } from './audit/index.ts'
import type { Edges } from './compose.ts'
import type { Config } from './config.ts'
import { step } from './start-trouble.ts'

export class NotMigrated extends Error {}

/** What the command line needs of an installation. */
export type Tools = {
  audit: Audit
  /** A link for one address. A secret: printed, never logged. */
  mintOperatorLink(
    input: Parameters<typeof mintOperatorLink>[1],
  ): ReturnType<typeof mintOperatorLink>
  close(): Promise<void>
}

/**
 * Opens an installation beside the server that may be running on it: no jobs, no lock on the data
 * folder, no migration. Throws `NotMigrated` when the database is not of this version.
 */
export async function openTools(config: Config, edges: Edges): Promise<Tools> {
  const { clock, random } = edges
  const database = await step('database', async () => {
    const opened = openDatabase({
      url: config.databaseUrl?.reveal() ?? null,
      dataDir: config.dataDir,
    })
    if ((await pendingMigrations(opened)).length > 0) {
      await opened.close()
      throw new NotMigrated()
    }
    return opened
  })
  const root = await step('root key', async () =>
    config.rootKey
      ? new Secret(parseRootKey(config.rootKey.reveal(), 'LATCHKEY_ROOT_KEY'))
      : loadRootKey(config.dataDir, random),
  )
  const ids = makeIds(clock, random)
  const challenges = sqlChallenges({
    database,
    keyring: localKeyring(root, random),
    clock,
    ids,
    random,
  })
  return {
    audit: createAudit({ database, clock, ids }),
    mintOperatorLink: (input) => mintOperatorLink({ challenges, origin: config.origin }, input),
    close: () => database.close(),
  }
}
