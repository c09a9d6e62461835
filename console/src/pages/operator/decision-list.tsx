import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { call } from '../../api/client.ts'
import { Badge } from '../../design/badge.tsx'
import { Button } from '../../design/button.tsx'
import { Confirm } from '../../design/confirm.tsx'
import { Facts, Muted, Row, Stack } from '../../design/page.tsx'
import { toast } from '../../design/toast.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { named } from '../../messages/named.ts'
import styles from './operator.module.css'
import { type AccountDetail, operatorKey } from './queries.ts'

type Case = AccountDetail['cases'][number]

/** Cases as operators read them: who decided, on what, and whether it still holds. */
export function DecisionList(props: { cases: readonly Case[]; mayReverse: boolean }) {
  const { m } = useLanguage()
  const queryClient = useQueryClient()
  const [ending, setEnding] = useState<string | null>(null)
  const words = m.decide
  const reverse = useMutation({
    mutationFn: (id: string) =>
      call('POST /api/operator/decisions/{id}/reverse', { params: { id } }),
    onSuccess: async () => {
      setEnding(null)
      toast(words.reversed)
      await queryClient.invalidateQueries({ queryKey: operatorKey })
    },
  })
  return (
    <>
      <ul className={styles.cases}>
        {props.cases.map((one) => (
          <li key={one.id}>
            <CaseView of={one} onReverse={props.mayReverse ? setEnding : null} />
          </li>
        ))}
      </ul>
      <Confirm
        open={ending !== null}
        onClose={() => setEnding(null)}
        title={words.reverseTitle}
        consequence={words.reverseText}
        action={words.reverseAction}
        busy={reverse.isPending}
        error={reverse.error}
        onConfirm={() => ending && reverse.mutate(ending)}
      />
    </>
  )
}

export function CaseView(props: { of: Case; onReverse: ((id: string) => void) | null }) {
  const { m, format } = useLanguage()
  const words = m.decide
  return (
    <Stack>
      {props.of.decisions.map((decision) => (
        <div key={decision.id} className={styles.decision}>
          <Row>
            <strong>{named(m.cases.kinds, decision.kind)}</strong>
            {decision.ended_at && <Badge>{m.cases.ended}</Badge>}
            {decision.appeal && (
              <Link to="/operator/appeals/$id" params={{ id: decision.appeal.id }}>
                {`${m.cases.appeal}: ${named(m.cases.appealStates, decision.appeal.state)}`}
              </Link>
            )}
          </Row>
          <p>{decision.reason_text}</p>
          {decision.text && <p className={styles.quoted}>{decision.text}</p>}
          <Facts
            items={[
              { term: m.cases.decided, value: format.dateTime(decision.decided_at) },
              { term: words.by, value: decision.decided_by_name ?? '' },
              {
                term: m.cases.until,
                value: decision.until ? format.dateTime(decision.until) : m.cases.noEnd,
              },
            ]}
          />
          {props.onReverse && !decision.ended_at && decision.kind !== 'warn' && (
            <Row>
              <Button size="small" onClick={() => props.onReverse?.(decision.id)}>
                {words.reverse}
              </Button>
            </Row>
          )}
        </div>
      ))}
      {props.of.evidence.length > 0 && (
        <div>
          <h3 className={styles.small}>{words.evidence}</h3>
          <ul>
            {props.of.evidence.map((item) => (
              <li key={item.id}>
                {item.summary} <Muted>{format.dateTime(item.at)}</Muted>
              </li>
            ))}
          </ul>
        </div>
      )}
    </Stack>
  )
}
