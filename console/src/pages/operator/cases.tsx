import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { Badge } from '../../design/badge.tsx'
import { Select } from '../../design/field.tsx'
import { Card, Columns, PageHeader } from '../../design/page.tsx'
import { Empty, Loading, Refused } from '../../design/states.tsx'
import { Table } from '../../design/table.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { named } from '../../messages/named.ts'
import { type CaseState, reviewCasesQuery } from './queries.ts'

const states = ['open', 'decided', 'closed'] as const

export function ReviewCases() {
  const { m, format } = useLanguage()
  const [state, setState] = useState<CaseState | undefined>(undefined)
  const cases = useQuery(reviewCasesQuery(state))
  const words = m.reviewCases
  return (
    <>
      <PageHeader title={words.title} lead={words.lead} />
      <Card>
        <Columns>
          <Select
            label={m.common.state}
            value={state ?? ''}
            onChange={(event) => setState(states.find((one) => one === event.target.value))}
          >
            <option value="">{m.appeals.any}</option>
            {states.map((one) => (
              <option key={one} value={one}>
                {m.cases.states[one]}
              </option>
            ))}
          </Select>
        </Columns>
        {cases.isPending ? (
          <Loading rows={5} />
        ) : cases.error ? (
          <Refused error={cases.error} retry={() => void cases.refetch()} />
        ) : cases.data.length === 0 ? (
          <Empty icon="list" title={words.empty} text={words.emptyText} />
        ) : (
          <Table
            caption={words.caption}
            rows={cases.data}
            rowKey={(one) => one.id}
            columns={[
              {
                title: words.account,
                main: true,
                cell: (one) =>
                  one.account ? (
                    <Link to="/operator/accounts/$id" params={{ id: one.account.id }}>
                      {one.account.name}
                    </Link>
                  ) : (
                    <code>{one.subject_id}</code>
                  ),
              },
              {
                title: m.decide.kind,
                cell: (one) => named(m.cases.kinds, one.decisions.at(-1)?.kind ?? ''),
              },
              { title: m.decide.reason, cell: (one) => one.decisions.at(-1)?.reason_text ?? '' },
              { title: words.source, cell: (one) => named(words.sources, one.source) },
              { title: m.cases.opened, cell: (one) => format.dateTime(one.opened_at) },
              {
                title: m.common.state,
                cell: (one) => (
                  <Badge tone={one.state === 'closed' ? 'neutral' : 'warn'}>
                    {named(m.cases.states, one.state)}
                  </Badge>
                ),
              },
            ]}
          />
        )}
      </Card>
    </>
  )
}
