import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { type Case, caseQuery, type Decision } from '../../api/queries.ts'
import { Badge } from '../../design/badge.tsx'
import { Callout } from '../../design/callout.tsx'
import { Icon } from '../../design/icon.tsx'
import { Card, Facts, Muted, PageHeader, Row, Stack } from '../../design/page.tsx'
import { Loading, Refused } from '../../design/states.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { named } from '../../messages/named.ts'
import { AppealForm } from './appeal-form.tsx'
import styles from './cases.module.css'

export function CaseDetails() {
  const { m, format } = useLanguage()
  const { id } = useParams({ from: '/inside/cases/$id' })
  const found = useQuery({ ...caseQuery(id), refetchInterval: 15_000 })
  const words = m.cases
  if (found.isPending) return <Loading rows={5} tall />
  if (found.error) return <Refused error={found.error} retry={() => void found.refetch()} />
  const one = found.data
  const last = one.decisions.at(-1)
  return (
    <>
      <PageHeader
        title={last ? named(words.kinds, last.kind) : words.case}
        lead={
          <Row>
            <Badge tone={one.closed_at ? 'neutral' : 'warn'}>
              {named(words.states, one.state)}
            </Badge>
            <span>{`${words.opened}: ${format.dateTime(one.opened_at)}`}</span>
          </Row>
        }
        back={{ to: '/cases', label: words.title }}
      />
      <Stack gap="large">
        {one.decisions.toReversed().map((decision) => (
          <DecisionCard key={decision.id} of={decision} caseId={one.id} />
        ))}
        <Card title={words.evidence}>
          <Evidence of={one} />
        </Card>
      </Stack>
    </>
  )
}

function DecisionCard(props: { of: Decision; caseId: string }) {
  const { m, format } = useLanguage()
  const decision = props.of
  const words = m.cases
  return (
    <Card title={decision.reason_text}>
      {decision.text && <p className={styles.statement}>{decision.text}</p>}
      <Facts
        items={[
          { term: words.decision, value: named(words.kinds, decision.kind) },
          { term: words.decided, value: format.dateTime(decision.decided_at) },
          decision.ended_at
            ? { term: words.ended, value: format.dateTime(decision.ended_at) }
            : {
                term: words.until,
                value: decision.until ? format.dateTime(decision.until) : words.noEnd,
              },
        ]}
      />
      {!decision.ended_at && decision.still_works.length > 0 && (
        <div>
          <h3 className={styles.small}>{words.works}</h3>
          <ul className={styles.works}>
            {decision.still_works.map((what) => (
              <li key={what}>
                <Icon name="check" size={16} />
                {named(words.worksNames, what)}
              </li>
            ))}
          </ul>
        </div>
      )}
      {decision.appeal ? (
        <AppealStatus of={decision.appeal} />
      ) : decision.may_appeal ? (
        <AppealForm caseId={props.caseId} deadline={decision.appeal_deadline} />
      ) : (
        !decision.ended_at && decision.kind !== 'warn' && <Muted>{words.appealOver}</Muted>
      )}
    </Card>
  )
}

function AppealStatus(props: { of: NonNullable<Decision['appeal']> }) {
  const { m, format } = useLanguage()
  const appeal = props.of
  const words = m.cases
  const good = appeal.state === 'reversed' || appeal.state === 'reduced'
  return (
    <Callout
      tone={good ? 'good' : 'info'}
      title={`${words.yourAppeal}: ${named(words.appealStates, appeal.state)}`}
    >
      <p className={styles.statement}>{appeal.text}</p>
      {appeal.outcome_text && (
        <p className={styles.statement}>{`${words.answer}: ${appeal.outcome_text}`}</p>
      )}
      {appeal.reviewer_note && <p>{appeal.reviewer_note}</p>}
      <p>
        {`${words.sent}: ${format.dateTime(appeal.created_at)}. `}
        {!appeal.decided_at && words.firstLook(format.dateTime(appeal.first_look_due_at))}
      </p>
    </Callout>
  )
}

function Evidence(props: { of: Case }) {
  const { m, format } = useLanguage()
  if (props.of.evidence.length === 0) return <Muted>{m.cases.evidenceNone}</Muted>
  return (
    <ul className={styles.evidence}>
      {props.of.evidence.map((item) => (
        <li key={item.id}>
          <p>{item.summary}</p>
          <Muted>{format.dateTime(item.at)}</Muted>
        </li>
      ))}
    </ul>
  )
}
