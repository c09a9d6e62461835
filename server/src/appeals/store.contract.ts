import assert from 'node:assert/strict'
import type { Appeal } from './appeal.ts'
import type { AppealStore } from './store.ts'

/** A decision that exists, to appeal against. */
export type Ground = { decisionId: string; caseId: string; accountId: string }

const appealOf = (id: string, ground: Ground, dueAt = 100): Appeal => ({
  id,
  ...ground,
  text: '我不同意',
  state: 'pending',
  createdAt: 10,
  firstLookDueAt: dueAt,
  firstLookAt: null,
  outcome: null,
})

/** What every store of appeals must do. `ground` makes one more decision without an appeal. */
export const appealContract: Record<
  string,
  (store: AppealStore, ground: () => Promise<Ground>) => Promise<void>
> = {
  async 'of fifty appeals against one decision one is kept'(store, ground) {
    const against = await ground()
    const kept = await Promise.all(
      Array.from({ length: 50 }, (_, at) => store.insert(appealOf(`apl_${at}`, against))),
    )
    assert.equal(kept.filter(Boolean).length, 1)
    assert.equal((await store.ofCases([against.caseId])).length, 1)
  },
  async 'an appeal is settled once'(store, ground) {
    await store.insert(appealOf('apl_once', await ground()))
    const outcome = { at: 5, reviewerId: 'acct_r', byDecider: true, text: 'Yes.' }
    const settled = await Promise.all(
      (['upheld', 'reversed', 'reduced', 'reversed'] as const).map((state) =>
        store.decide('apl_once', state, outcome),
      ),
    )
    assert.equal(settled.filter(Boolean).length, 1)
    const found = await store.find('apl_once')
    assert.notEqual(found?.state, 'pending')
    assert.deepEqual(found?.outcome, outcome)
  },
  async 'the first look is kept, later ones are not; overdue is what nobody has looked at'(
    store,
    ground,
  ) {
    await store.insert(appealOf('apl_seen', await ground(), 100))
    await store.insert(appealOf('apl_unseen', await ground(), 50))
    assert.deepEqual(
      (await store.list({ state: 'pending', limit: 10 })).map(({ id }) => id),
      ['apl_unseen', 'apl_seen'],
    )
    assert.equal(await store.countOverdue(101), 2)
    assert.equal(await store.markLook('apl_seen', 60), true)
    assert.equal(await store.markLook('apl_seen', 70), false)
    assert.equal((await store.find('apl_seen'))?.firstLookAt, 60)
    assert.equal(await store.countOverdue(101), 1)
    assert.equal(await store.countOverdue(50), 0)
  },
}
