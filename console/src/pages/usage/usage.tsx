import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { projectsQuery, type UsageGroup, type UsageRow, usageQuery } from '../../api/queries.ts'
import { Chart, everyDay } from '../../design/chart.tsx'
import { Field, Select } from '../../design/field.tsx'
import { Card, Columns, PageHeader, Stack, Stat, Stats } from '../../design/page.tsx'
import { Empty, Loading, Refused } from '../../design/states.tsx'
import { Table } from '../../design/table.tsx'
import { Tabs } from '../../design/tabs.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { daysAgo, today } from './days.ts'
import { RecentCalls } from './recent-calls.tsx'
import styles from './usage.module.css'

const ranges = [7, 14, 30, 90] as const
type Measure = 'requests' | 'cost_micros' | 'input_tokens' | 'output_tokens'
const isDay = (text: string | undefined): text is string => /^\d{4}-\d{2}-\d{2}$/.test(text ?? '')

export function Usage() {
  const { m, format } = useLanguage()
  const search = useSearch({ from: '/inside/usage' })
  const navigate = useNavigate()
  const from = isDay(search.from) ? search.from : daysAgo(13)
  const to = isDay(search.to) ? search.to : today()
  const [measure, setMeasure] = useState<Measure>('requests')
  const usage = useQuery(usageQuery('day', from, to, true))
  const go = (next: { from: string; to: string }) =>
    void navigate({ to: '/usage', search: next, replace: true })
  const preset = ranges.find((days) => to === today() && from === daysAgo(days - 1))
  const words = m.usage
  const measures: Record<Measure, string> = {
    requests: m.dashboard.requests,
    cost_micros: m.dashboard.cost,
    input_tokens: m.dashboard.inputTokens,
    output_tokens: m.dashboard.outputTokens,
  }
  const total = usage.data?.total
  return (
    <>
      <PageHeader
        title={words.title}
        lead={words.lead}
        actions={
          <a className={styles.csv} href={`/api/usage.csv?from=${from}&to=${to}`} download>
            {words.csv}
          </a>
        }
      />
      <Stack gap="large">
        <Card>
          <Columns>
            <Select
              label={words.range}
              value={preset ?? 'own'}
              onChange={(event) => {
                const days = Number(event.target.value)
                if (days > 0) go({ from: daysAgo(days - 1), to: today() })
              }}
            >
              {ranges.map((days) => (
                <option key={days} value={days}>
                  {words.ranges[days]}
                </option>
              ))}
              <option value="own">{words.custom}</option>
            </Select>
            <Field
              label={words.from}
              type="date"
              max={to}
              value={from}
              onChange={(event) =>
                isDay(event.target.value) && go({ from: event.target.value, to })
              }
            />
            <Field
              label={words.to}
              type="date"
              min={from}
              value={to}
              onChange={(event) =>
                isDay(event.target.value) && go({ from, to: event.target.value })
              }
            />
            <Select
              label={words.measure}
              value={measure}
              onChange={(event) => setMeasure(event.target.value as Measure)} // the options below are all of it
            >
              {Object.entries(measures).map(([value, title]) => (
                <option key={value} value={value}>
                  {title}
                </option>
              ))}
            </Select>
          </Columns>
          {usage.isPending ? (
            <Loading rows={4} tall />
          ) : usage.error ? (
            <Refused error={usage.error} retry={() => void usage.refetch()} />
          ) : !total || total.requests === 0 ? (
            <Empty icon="chart" title={words.empty} text={words.emptyText} />
          ) : (
            <>
              <Stats>
                <Stat label={m.dashboard.requests} value={format.number(total.requests)} />
                <Stat
                  label={m.dashboard.inputTokens}
                  value={format.compact(total.input_tokens)}
                  {...(total.cached_input_tokens > 0 && {
                    note: words.cached(format.compact(total.cached_input_tokens)),
                  })}
                />
                <Stat
                  label={m.dashboard.outputTokens}
                  value={format.compact(total.output_tokens)}
                />
                <Stat label={m.dashboard.cost} value={format.money(total.cost_micros)} />
              </Stats>
              <Chart
                title={measures[measure]}
                points={everyDay(
                  from,
                  to,
                  new Map(usage.data.items.map((row) => [row.day ?? '', row[measure]])),
                )}
                show={measure === 'cost_micros' ? format.money : format.compact}
              />
            </>
          )}
        </Card>
        <Card title={words.groups} lead={words.utc}>
          <Tabs
            label={words.groups}
            tabs={(['model', 'key', 'project'] as const).map((group) => ({
              id: group,
              title: { model: words.byModel, key: words.byKey, project: words.byProject }[group],
              content: <Grouped group={group} from={from} to={to} />,
            }))}
          />
        </Card>
        <Card title={words.calls} lead={words.callsLead}>
          <RecentCalls />
        </Card>
      </Stack>
    </>
  )
}

function Grouped(props: { group: Exclude<UsageGroup, 'day'>; from: string; to: string }) {
  const { m, format } = useLanguage()
  const usage = useQuery(usageQuery(props.group, props.from, props.to, true))
  const projects = useQuery(projectsQuery)
  if (usage.isPending) return <Loading rows={3} />
  if (usage.error) return <Refused error={usage.error} retry={() => void usage.refetch()} />
  if (usage.data.items.length === 0)
    return <Empty icon="chart" title={m.usage.empty} text={m.usage.emptyText} />
  const nameOf = (row: UsageRow): string => {
    if (props.group === 'model') return row.model ?? ''
    if (props.group === 'project')
      return projects.data?.find((one) => one.id === row.project_id)?.name ?? row.project_id ?? ''
    return row.key_name ?? m.usage.deletedKey
  }
  const number = (title: string, pick: (row: UsageRow) => string) =>
    ({ title, align: 'end', cell: pick }) as const
  return (
    <Table
      caption={m.usage.groups}
      rows={usage.data.items}
      rowKey={(row) => row.model ?? row.key_id ?? row.project_id ?? ''}
      columns={[
        { title: m.usage.group[props.group], main: true, cell: nameOf },
        number(m.dashboard.requests, (row) => format.number(row.requests)),
        number(m.dashboard.inputTokens, (row) => format.number(row.input_tokens)),
        number(m.dashboard.outputTokens, (row) => format.number(row.output_tokens)),
        number(m.dashboard.cost, (row) => format.money(row.cost_micros)),
      ]}
    />
  )
}
