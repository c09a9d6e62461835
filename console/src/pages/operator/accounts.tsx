import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { call } from '../../api/client.ts'
import type { Account } from '../../api/queries.ts'
import { Badge } from '../../design/badge.tsx'
import { Button } from '../../design/button.tsx'
import { Field, Select } from '../../design/field.tsx'
import { Card, Columns, PageHeader, Row, Stack } from '../../design/page.tsx'
import { Empty, Loading, Refused } from '../../design/states.tsx'
import { Table } from '../../design/table.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { AccountState } from './account-state.tsx'
import { operatorKey } from './queries.ts'

const states = ['unverified', 'active', 'limited', 'suspended', 'closed'] as const

export function OperatorAccounts() {
  const { m, format } = useLanguage()
  const given = useSearch({ from: '/inside/operator/accounts' })
  const navigate = useNavigate()
  const state: Account['state'] | undefined = states.find((one) => one === given.state)
  const search = given.search?.trim() || undefined
  const accounts = useInfiniteQuery({
    queryKey: [...operatorKey, 'accounts', search, state],
    queryFn: ({ pageParam }) =>
      call('GET /api/operator/accounts', { query: { search, state, cursor: pageParam } }),
    initialPageParam: undefined as string | undefined, // the first page has no cursor
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: keepPreviousData,
  })
  const words = m.accounts
  const go = (next: { search?: string; state?: string }) =>
    void navigate({ to: '/operator/accounts', search: next, replace: true })
  const rows = accounts.data?.pages.flatMap((page) => page.items) ?? []
  return (
    <>
      <PageHeader title={words.title} lead={words.lead} />
      <Card>
        <Columns>
          <Field
            label={words.search}
            type="search"
            value={given.search ?? ''}
            onChange={(event) =>
              go({
                ...(event.target.value && { search: event.target.value }),
                ...(state && { state }),
              })
            }
          />
          <Select
            label={words.state}
            value={state ?? ''}
            onChange={(event) =>
              go({
                ...(given.search && { search: given.search }),
                ...(event.target.value && { state: event.target.value }),
              })
            }
          >
            <option value="">{words.anyState}</option>
            {states.map((one) => (
              <option key={one} value={one}>
                {m.states[one]}
              </option>
            ))}
          </Select>
        </Columns>
        {accounts.isPending ? (
          <Loading rows={6} />
        ) : accounts.error ? (
          <Refused error={accounts.error} retry={() => void accounts.refetch()} />
        ) : rows.length === 0 ? (
          <Empty icon="people" title={words.empty} text={words.emptyText} />
        ) : (
          <Stack>
            <Table
              caption={words.caption}
              rows={rows}
              rowKey={(account) => account.id}
              columns={[
                {
                  title: m.fields.name,
                  main: true,
                  cell: (account) => (
                    <Link to="/operator/accounts/$id" params={{ id: account.id }}>
                      {account.name}
                    </Link>
                  ),
                },
                { title: m.fields.email, cell: (account) => account.email },
                {
                  title: words.state,
                  cell: (account) => <AccountState state={account.state} />,
                },
                {
                  title: words.role,
                  cell: (account) =>
                    account.role ? (
                      <Badge tone="accent">{words.roles[account.role]}</Badge>
                    ) : (
                      words.noRole
                    ),
                },
                { title: m.common.created, cell: (account) => format.date(account.created_at) },
              ]}
            />
            {accounts.hasNextPage && (
              <Row>
                <Button
                  busy={accounts.isFetchingNextPage}
                  onClick={() => void accounts.fetchNextPage()}
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
