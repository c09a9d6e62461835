import type { Clock } from '#platform/clock/clock.ts'
import type { UsageQuery } from './store.ts'
import { dayOf, type UsageTotals } from './usage-record.ts'

/** What the organizations of an account have used, day by day: counts and money, never content. */
export const usageExporter = (deps: {
  usage: {
    grouped(query: UsageQuery, by: 'day'): Promise<(UsageTotals & { value: string })[]>
  }
  organizationsOf(accountId: string): Promise<readonly { organization: { id: string } }[]>
  clock: Clock
}) => ({
  part: 'usage',
  async collect(accountId: string) {
    const memberships = await deps.organizationsOf(accountId)
    const days = await deps.usage.grouped(
      {
        organizationIds: memberships.map(({ organization }) => organization.id),
        fromDay: '0000-01-01',
        toDay: dayOf(deps.clock.now()),
      },
      'day',
    )
    return days.map((row) => ({
      day: row.value,
      requests: row.requests,
      input_tokens: row.inputTokens,
      cached_input_tokens: row.cachedInputTokens,
      output_tokens: row.outputTokens,
      cost_micros: row.costMicros,
    }))
  },
})
