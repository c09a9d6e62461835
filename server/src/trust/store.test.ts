import { test } from 'node:test'
import { signedUp } from '../../../test/harness/person.ts'
import { databases, startServer } from '../../../test/harness/server.ts'
import { trustContract } from './store.contract.ts'
import { sqlTrustStore } from './store.sql.ts'

for (const database of databases)
  for (const [promise, check] of Object.entries(trustContract))
    test(`${database}: ${promise}`, async () => {
      await using server = await startServer({ database })
      const { accountId } = await signedUp(server.origin)
      await check(sqlTrustStore(server.platform.database), accountId)
    })
