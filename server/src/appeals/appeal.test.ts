import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addWorkingDays } from './appeal.ts'

test('three working days leave out the weekend', () => {
  const due = (from: string) => new Date(addWorkingDays(Date.parse(from), 3)).toISOString()
  assert.equal(due('2026-11-23T09:00:00Z'), '2026-11-26T09:00:00.000Z') // Monday to Thursday
  assert.equal(due('2026-11-27T15:00:00Z'), '2026-12-02T15:00:00.000Z') // Friday to Wednesday
  assert.equal(due('2026-11-28T08:00:00Z'), '2026-12-02T08:00:00.000Z') // Saturday to Wednesday
})
