import { test } from 'node:test'
import { signedUp } from '../../../test/harness/person.ts'
import { databases, startServer } from '../../../test/harness/server.ts'
import { challengesContract } from './challenges.contract.ts'
import { sqlChallenges } from './challenges.sql.ts'

for (const database of databases)
  for (const [promise, check] of Object.entries(challengesContract))
    test(`${database}: ${promise}`, async () => {
      await using server = await startServer({ database })
      const { accountId } = await signedUp(server.origin)
      await check({
        challenges: sqlChallenges(server.platform),
        accountId,
        advance: server.clock.advance,
      })
    })
