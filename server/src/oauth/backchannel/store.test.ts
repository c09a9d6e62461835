import { test } from 'node:test'
import { databases, startServer } from '../../../../test/harness/server.ts'
import { deliveryContract } from './store.contract.ts'
import { sqlDeliveryStore } from './store.sql.ts'

for (const database of databases)
  for (const [promise, check] of Object.entries(deliveryContract))
    test(`${database}: ${promise}`, async () => {
      await using server = await startServer({ database })
      await check(sqlDeliveryStore(server.platform.database))
    })
