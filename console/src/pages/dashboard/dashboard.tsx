import { useQuery } from '@tanstack/react-query'
import { type Account, type Console, usageQuery } from '../../api/queries.ts'
import { Chart, everyDay } from '../../design/chart.tsx'
import { Card, PageHeader, Stack, Stat, Stats } from '../../design/page.tsx'
import { Loading, Refused } from '../../design/states.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { daysAgo, today } from '../usage/days.ts'
import { FirstCall } from './first-call.tsx'
import { NextSteps } from './next-steps.tsx'

/** What happened today and what to do next; it learns of calls by itself. */
export default function Dashboard(props: { server: Console; account: Account }) {
  const { m, format } = useLanguage()
  const [from, to] = [daysAgo(13), today()]
  const usage = useQuery(usageQuery('day', from, to, true))
  const rows = usage.data?.items ?? []
  const now = rows.find((row) => row.day === to)
  const byDay = new Map(rows.map((row) => [row.day ?? '', row.requests]))
  const called = (usage.data?.total.requests ?? 0) > 0
  const firstName = props.account.name.split(/\s+/)[0] ?? props.account.name
  return (
    <>
      <PageHeader title={m.dashboard.title(firstName)} lead={m.dashboard.lead} />
      <Stack gap="large">
        <NextSteps account={props.account} called={called} />
        <Card title={m.dashboard.today} lead={m.dashboard.todayNote}>
          {usage.isPending ? (
            <Loading rows={2} />
          ) : usage.error ? (
            <Refused error={usage.error} retry={() => void usage.refetch()} />
          ) : (
            <Stats>
              <Stat label={m.dashboard.requests} value={format.number(now?.requests ?? 0)} />
              <Stat
                label={m.dashboard.inputTokens}
                value={format.compact(now?.input_tokens ?? 0)}
              />
              <Stat
                label={m.dashboard.outputTokens}
                value={format.compact(now?.output_tokens ?? 0)}
              />
              <Stat label={m.dashboard.cost} value={format.money(now?.cost_micros ?? 0)} />
            </Stats>
          )}
        </Card>
        {called && (
          <Card title={m.dashboard.last14}>
            <Chart
              title={m.dashboard.chart}
              points={everyDay(from, to, byDay)}
              show={format.compact}
            />
          </Card>
        )}
        <FirstCall server={props.server} />
      </Stack>
    </>
  )
}
