import { useQuery, useSuspenseQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { consoleQuery } from '../../api/queries.ts'
import { Badge } from '../../design/badge.tsx'
import { Button } from '../../design/button.tsx'
import { Card, Facts, Muted, PageHeader, Row, Stack, Stat, Stats } from '../../design/page.tsx'
import { Loading, Refused } from '../../design/states.tsx'
import { Table } from '../../design/table.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { named } from '../../messages/named.ts'
import { AccountState } from './account-state.tsx'
import { ChangeRole } from './change-role.tsx'
import { Decide } from './decide.tsx'
import { DecisionList } from './decision-list.tsx'
import { type AccountDetail, accountQuery } from './queries.ts'
import { SignOutAccount } from './sign-out-account.tsx'

export function OperatorAccountPage() {
  const { m } = useLanguage()
  const { id } = useParams({ from: '/inside/operator/accounts/$id' })
  const found = useQuery(accountQuery(id))
  if (found.isPending) return <Loading rows={6} tall />
  if (found.error)
    return (
      <>
        <PageHeader
          title={m.accounts.title}
          back={{ to: '/operator/accounts', label: m.accounts.title }}
        />
        <Refused error={found.error} retry={() => void found.refetch()} />
      </>
    )
  return <Details of={found.data} />
}

function Details(props: { of: AccountDetail }) {
  const { m, format } = useLanguage()
  const { account, ...detail } = props.of
  const { data: server } = useSuspenseQuery(consoleQuery)
  const [step, setStep] = useState<'decide' | 'role' | 'sign-out' | null>(null)
  const words = m.accounts
  const role = server.account?.role
  const own = server.account?.id === account.id
  const mayDecide = (role === 'operator' || role === 'reviewer') && !own
  return (
    <>
      <PageHeader
        title={account.name}
        lead={account.email}
        back={{ to: '/operator/accounts', label: words.title }}
        actions={
          <>
            {role !== 'auditor' && account.state !== 'closed' && (
              <Button onClick={() => setStep('sign-out')}>{words.signOut}</Button>
            )}
            {role === 'operator' && (
              <Button onClick={() => setStep('role')}>{words.changeRole}</Button>
            )}
            {mayDecide && (
              <Button kind="danger" onClick={() => setStep('decide')}>
                {m.decide.open}
              </Button>
            )}
          </>
        }
      />
      <Stack gap="large">
        <Card>
          <Row>
            <AccountState state={account.state} />
            {account.role && <Badge tone="accent">{words.roles[account.role]}</Badge>}
          </Row>
          <Stats>
            <Stat label={words.keys} value={format.number(detail.keys_count)} />
            <Stat label={words.sessions} value={format.number(detail.sessions_count)} />
            <Stat label={words.grants} value={format.number(detail.grants_count)} />
            <Stat label={words.spend} value={format.money(detail.spend_30d_micros)} />
          </Stats>
          <Facts
            items={[
              { term: 'ID', value: <code>{account.id}</code> },
              { term: m.common.created, value: format.dateTime(account.created_at) },
              {
                term: m.fields.email,
                value: account.email_verified ? m.security.verified : m.security.unverified,
              },
            ]}
          />
        </Card>
        <Card title={words.cases}>
          {detail.cases.length === 0 ? (
            <Muted>{words.noCases}</Muted>
          ) : (
            <DecisionList cases={detail.cases} mayReverse={mayDecide} />
          )}
        </Card>
        <Card title={words.history}>
          {detail.state_changes.length === 0 ? (
            <Muted>{words.noHistory}</Muted>
          ) : (
            <Table
              caption={words.history}
              rows={detail.state_changes}
              rowKey={(change) => change.at + change.to}
              columns={[
                { title: words.when, main: true, cell: (change) => format.dateTime(change.at) },
                { title: words.from, cell: (change) => <AccountState state={change.from} /> },
                { title: words.to, cell: (change) => <AccountState state={change.to} /> },
                { title: words.why, cell: (change) => named(m.decide.reasons, change.reason) },
              ]}
            />
          )}
        </Card>
      </Stack>
      {step === 'decide' && <Decide about={account} onClose={() => setStep(null)} />}
      {step === 'sign-out' && <SignOutAccount of={account} onClose={() => setStep(null)} />}
      {step === 'role' && <ChangeRole of={account} onClose={() => setStep(null)} />}
    </>
  )
}
