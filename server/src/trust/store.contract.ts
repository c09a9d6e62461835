import assert from 'node:assert/strict'
import type { Case, Decision } from './case.ts'
import type { TrustStore } from './store.ts'

const caseOf = (id: string, accountId: string, state: Case['state'] = 'decided'): Case => ({
  id,
  accountId,
  subjectKind: 'account',
  subjectId: accountId,
  source: 'operator',
  state,
  openedAt: 1,
  closedAt: null,
})

const decisionOf = (id: string, inCase: Case, until: number | null = null): Decision => ({
  id,
  caseId: inCase.id,
  accountId: inCase.accountId,
  kind: 'suspend',
  reason: 'other',
  text: '',
  until,
  prior: { state: 'limited', base: 'active', reducedFrom: 'dec_before' },
  decidedBy: null,
  decidedByName: 'a rule',
  decidedAt: 5,
  ending: null,
})

/** What every store of cases must do. `accountId` exists and has no case. */
export const trustContract: Record<
  string,
  (store: TrustStore, accountId: string) => Promise<void>
> = {
  async 'what is put in comes back whole'(store, accountId) {
    const file = caseOf('case_a', accountId)
    const decision = decisionOf('dec_a', file, 1_700_000_000_000)
    await store.insertCase(file)
    await store.insertDecision(decision)
    const evidence = {
      id: 'evi_a',
      caseId: file.id,
      kind: 'signal' as const,
      summary: '九千次拒绝 “in an hour”',
      detail: { networks: [1, { deep: true }] },
      at: 3,
    }
    await store.insertEvidence(evidence)
    assert.deepEqual(await store.findCase(file.id), file)
    assert.deepEqual(await store.findDecision(decision.id), decision)
    assert.deepEqual(await store.evidenceOf([file.id]), [evidence])
    assert.deepEqual(await store.decisionsOf([file.id]), [decision])
    assert.deepEqual(await store.decisionsOf([]), [])
    assert.equal(await store.findCase('case_missing'), null)
  },
  async 'a decision ends once, however many try'(store, accountId) {
    const file = caseOf('case_b', accountId)
    await store.insertCase(file)
    await store.insertDecision(decisionOf('dec_b', file))
    assert.equal((await store.inForce(accountId)).length, 1)
    const tries = await Promise.all(
      Array.from({ length: 50 }, (_, at) => store.endDecision('dec_b', 'reversed', at)),
    )
    assert.equal(tries.filter(Boolean).length, 1)
    assert.deepEqual(await store.inForce(accountId), [])
    assert.equal((await store.findDecision('dec_b'))?.ending?.reason, 'reversed')
  },
  async 'due is what has run out and not ended, soonest first'(store, accountId) {
    const file = caseOf('case_c', accountId)
    await store.insertCase(file)
    for (const [id, until] of [
      ['dec_late', 300],
      ['dec_soon', 100],
      ['dec_endless', null],
      ['dec_ended', 100],
    ] as const)
      await store.insertDecision(decisionOf(id, file, until))
    await store.endDecision('dec_ended', 'reversed', 50)
    const due = async (now: number) => (await store.due(now, 10)).map(({ id }) => id)
    assert.deepEqual(await due(99), [])
    assert.deepEqual(await due(100), ['dec_soon'])
    assert.deepEqual(await due(300), ['dec_soon', 'dec_late'])
  },
  async 'the living case is the newest that is not closed; pages go on where the last ended'(
    store,
    accountId,
  ) {
    await store.insertCase(caseOf('case_1', accountId))
    await store.insertCase(caseOf('case_2', accountId))
    await store.insertCase(caseOf('case_3', accountId))
    await store.setCaseState('case_3', 'closed', 9)
    assert.equal((await store.livingCase(accountId))?.id, 'case_2')
    const page = async (after?: string) =>
      (await store.listCases({ accountId, limit: 2, ...(after ? { after } : {}) })).map(
        ({ id }) => id,
      )
    assert.deepEqual(await page(), ['case_3', 'case_2'])
    assert.deepEqual(await page('case_2'), ['case_1'])
    const closed = await store.listCases({ accountId, state: 'closed', limit: 5 })
    assert.deepEqual(
      closed.map(({ id, closedAt }) => ({ id, closedAt })),
      [{ id: 'case_3', closedAt: 9 }],
    )
  },
}
