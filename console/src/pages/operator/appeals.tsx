import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { Badge } from '../../design/badge.tsx'
import { Select } from '../../design/field.tsx'
import { Card, Columns, PageHeader, Row } from '../../design/page.tsx'
import { Empty, Loading, Refused } from '../../design/states.tsx'
import { Table } from '../../design/table.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { type AppealState, appealsQuery } from './queries.ts'

const states = ['pending', 'upheld', 'reduced', 'reversed'] as const

export function OperatorAppeals() {
  const { m, format } = useLanguage()
  const [state, setState] = useState<AppealState | undefined>('pending')
  const appeals = useQuery(appealsQuery(state))
  const words = m.appeals
  return (
    <>
      <PageHeader title={words.title} lead={words.lead} />
      <Card>
        <Columns>
          <Select
            label={words.state}
            value={state ?? ''}
            onChange={(event) => setState(states.find((one) => one === event.target.value))}
          >
            <option value="">{words.any}</option>
            {states.map((one) => (
              <option key={one} value={one}>
                {m.cases.appealStates[one]}
              </option>
            ))}
          </Select>
        </Columns>
        {appeals.isPending ? (
          <Loading rows={5} />
        ) : appeals.error ? (
          <Refused error={appeals.error} retry={() => void appeals.refetch()} />
        ) : appeals.data.length === 0 ? (
          <Empty icon="scale" title={words.empty} text={words.emptyText} />
        ) : (
          <Table
            caption={words.caption}
            rows={appeals.data}
            rowKey={(appeal) => appeal.id}
            columns={[
              {
                title: m.reviewCases.account,
                main: true,
                cell: (appeal) => (
                  <Link to="/operator/appeals/$id" params={{ id: appeal.id }}>
                    {appeal.account.name}
                  </Link>
                ),
              },
              { title: m.cases.sent, cell: (appeal) => format.dateTime(appeal.created_at) },
              {
                title: words.due,
                cell: (appeal) => (
                  <Row>
                    {format.dateTime(appeal.first_look_due_at)}
                    {appeal.overdue && <Badge tone="danger">{words.overdue}</Badge>}
                  </Row>
                ),
              },
              { title: words.state, cell: (appeal) => m.cases.appealStates[appeal.state] },
            ]}
          />
        )}
      </Card>
    </>
  )
}
