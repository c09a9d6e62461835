import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { call } from '../../api/client.ts'
import { Button } from '../../design/button.tsx'
import { Field } from '../../design/field.tsx'
import { Card, Columns, PageHeader, Row, Stack } from '../../design/page.tsx'
import { Empty, Loading, Refused } from '../../design/states.tsx'
import { Table } from '../../design/table.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import styles from './operator.module.css'
import { operatorKey } from './queries.ts'

export function AuditLog() {
  const { m, format } = useLanguage()
  const [typed, setTyped] = useState('')
  const subject = typed.trim() || undefined
  const events = useInfiniteQuery({
    queryKey: [...operatorKey, 'audit', subject],
    queryFn: ({ pageParam }) =>
      call('GET /api/operator/audit', { query: { subject, cursor: pageParam } }),
    initialPageParam: undefined as number | undefined, // the first page has no cursor
    getNextPageParam: (page) => (page.next_cursor ? Number(page.next_cursor) : undefined),
    placeholderData: keepPreviousData,
  })
  const words = m.audit
  const rows = events.data?.pages.flatMap((page) => page.items) ?? []
  return (
    <>
      <PageHeader title={words.title} lead={words.lead} />
      <Card>
        <Columns>
          <Field
            label={words.filter}
            type="search"
            value={typed}
            maxLength={64}
            onChange={(event) => setTyped(event.target.value)}
          />
        </Columns>
        {events.isPending ? (
          <Loading rows={8} />
        ) : events.error ? (
          <Refused error={events.error} retry={() => void events.refetch()} />
        ) : rows.length === 0 ? (
          <Empty icon="case" title={words.empty} text={words.emptyText} />
        ) : (
          <Stack>
            <Table
              caption={words.caption}
              rows={rows}
              rowKey={(event) => event.id}
              columns={[
                { title: words.action, main: true, cell: (event) => <code>{event.action}</code> },
                { title: words.at, cell: (event) => format.dateTime(event.at) },
                { title: words.actor, cell: (event) => event.actor.name || words.system },
                { title: words.subject, cell: (event) => event.subject.name || event.subject.id },
                {
                  title: words.detail,
                  cell: (event) =>
                    Object.keys(event.detail).length > 0 && (
                      <code className={styles.detail}>{JSON.stringify(event.detail)}</code>
                    ),
                },
              ]}
            />
            {events.hasNextPage && (
              <Row>
                <Button
                  busy={events.isFetchingNextPage}
                  onClick={() => void events.fetchNextPage()}
                >
                  {m.common.more}
                </Button>
              </Row>
            )}
          </Stack>
        )}
      </Card>
    </>
  )
}
