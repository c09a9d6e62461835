import { test } from 'node:test'
import { databases, startServer } from '../../../test/harness/server.ts'
import { outboxContract } from './store.contract.ts'
import { sqlOutboxStore } from './store.sql.ts'

for (const database of databases)
  for (const [promise, check] of Object.entries(outboxContract))
    test(`${database}: ${promise}`, async () => {
      await using server = await startServer({ database })
      await check(sqlOutboxStore(server.platform.database))
    })
