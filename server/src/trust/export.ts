import type { Clock } from '#platform/clock/clock.ts'
import type { Locale } from '../../messages/messages.ts'
import type { CaseFile } from './case.ts'
import { type AppealView, presentCase } from './present.ts'

const casesMax = 1_000

/** One's own cases with decisions, evidence and appeals, as their subject may see them. */
export const caseExporter = (deps: {
  trust: { caseFiles(query: { accountId: string; limit: number }): Promise<CaseFile[]> }
  clock: Clock
  appealsOf(caseIds: readonly string[], locale: Locale): Promise<readonly AppealView[]>
}) => ({
  part: 'cases',
  async collect(accountId: string) {
    const files = await deps.trust.caseFiles({ accountId, limit: casesMax })
    const ids = files.map((file) => file.case.id)
    const appeals = await deps.appealsOf(ids, 'en')
    const reader = { locale: 'en', now: deps.clock.now(), operator: false } as const
    return files.map((file) => presentCase(file, appeals, reader))
  },
})
