import { test } from 'node:test'
import { Person } from '../../../test/harness/person.ts'
import { databases, startServer } from '../../../test/harness/server.ts'
import { sessionContract } from './store.contract.ts'
import { sqlSessionStore } from './store.sql.ts'

for (const database of databases)
  for (const [promise, check] of Object.entries(sessionContract))
    test(`${database}: ${promise}`, async () => {
      await using server = await startServer({ database })
      // Signed up and never signed in: without sessions and devices.
      const account = async (email: string) => {
        const sign = { name: 'Ada', email, password: 'quiet harbour lantern 42' }
        await new Person(server.origin).expect(202, 'POST', '/api/accounts', sign)
        return (await server.accounts.findByEmail(email))?.id ?? ''
      }
      await check({
        store: sqlSessionStore(server.platform.database),
        accountId: await account('one@example.com'),
        otherAccountId: await account('other@example.com'),
      })
    })
