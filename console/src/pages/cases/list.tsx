import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { casesQuery } from '../../api/queries.ts'
import { Badge } from '../../design/badge.tsx'
import { Listing } from '../../design/listing.tsx'
import { Card, PageHeader } from '../../design/page.tsx'
import { Empty } from '../../design/states.tsx'
import { Table } from '../../design/table.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { named } from '../../messages/named.ts'

export function Cases() {
  const { m, format } = useLanguage()
  const cases = useQuery(casesQuery)
  const words = m.cases
  return (
    <>
      <PageHeader title={words.title} lead={words.lead} />
      <Card>
        <Listing
          of={cases}
          empty={<Empty icon="case" title={words.empty} text={words.emptyText} />}
        >
          {(rows) => (
            <Table
              caption={words.caption}
              rows={rows}
              rowKey={(one) => one.id}
              columns={[
                {
                  title: words.case,
                  main: true,
                  cell: (one) => {
                    const kind = one.decisions.at(-1)?.kind
                    return (
                      <Link to="/cases/$id" params={{ id: one.id }}>
                        {kind ? named(words.kinds, kind) : words.case}
                      </Link>
                    )
                  },
                },
                { title: words.reason, cell: (one) => one.decisions.at(-1)?.reason_text ?? '' },
                { title: words.opened, cell: (one) => format.dateTime(one.opened_at) },
                {
                  title: words.outcome,
                  cell: (one) => (
                    <Badge tone={one.closed_at ? 'neutral' : 'warn'}>
                      {named(words.states, one.state)}
                    </Badge>
                  ),
                },
              ]}
            />
          )}
        </Listing>
      </Card>
    </>
  )
}
