import { test } from 'node:test'
import { signedUp } from '../../../test/harness/person.ts'
import { databases, startServer } from '../../../test/harness/server.ts'
import { appealContract } from './store.contract.ts'
import { sqlAppealStore } from './store.sql.ts'

for (const database of databases)
  for (const [promise, check] of Object.entries(appealContract))
    test(`${database}: ${promise}`, async () => {
      await using server = await startServer({ database })
      const operator = await signedUp(server.origin)
      await server.accounts.setRole(operator.accountId, 'operator', {
        kind: 'system',
        name: 'test',
      })
      const { email, password } = operator // a new role is a new session
      await operator.person.expect(201, 'POST', '/api/sessions', { email, password })
      const { accountId } = await signedUp(server.origin)
      await check(sqlAppealStore(server.platform.database), async () => {
        const file = await operator.person.expect<{ id: string; decisions: { id: string }[] }>(
          201,
          'POST',
          `/api/operator/accounts/${accountId}/decisions`,
          { kind: 'warn', reason: 'other' },
        )
        return { accountId, caseId: file.id, decisionId: file.decisions.at(-1)?.id ?? '' }
      })
    })
