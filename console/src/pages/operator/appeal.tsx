import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { useForm } from 'react-hook-form'
import { type Answer, call } from '../../api/client.ts'
import { Badge } from '../../design/badge.tsx'
import { Button } from '../../design/button.tsx'
import { Callout } from '../../design/callout.tsx'
import { Dialog } from '../../design/dialog.tsx'
import { Select, TextArea } from '../../design/field.tsx'
import { Card, Facts, PageHeader, Row, Stack } from '../../design/page.tsx'
import { fieldError, Loading, RefusalNote, Refused } from '../../design/states.tsx'
import { toast } from '../../design/toast.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { CaseView } from './decision-list.tsx'
import styles from './operator.module.css'
import { appealQuery, operatorKey } from './queries.ts'

type Appeal = Answer<'GET /api/operator/appeals/{id}'>

export function OperatorAppeal() {
  const { m } = useLanguage()
  const { id } = useParams({ from: '/inside/operator/appeals/$id' })
  const found = useQuery(appealQuery(id))
  if (found.isPending) return <Loading rows={6} tall />
  if (found.error)
    return (
      <>
        <PageHeader
          title={m.appeals.title}
          back={{ to: '/operator/appeals', label: m.appeals.title }}
        />
        <Refused error={found.error} retry={() => void found.refetch()} />
      </>
    )
  return <Details of={found.data} />
}

function Details(props: { of: Appeal }) {
  const { m, format } = useLanguage()
  const [answering, setAnswering] = useState(false)
  const appeal = props.of
  const words = m.appeals
  return (
    <>
      <PageHeader
        title={words.pageTitle(appeal.account.name)}
        lead={
          <Row>
            <Badge tone={appeal.state === 'pending' ? 'warn' : 'neutral'}>
              {m.cases.appealStates[appeal.state]}
            </Badge>
            {appeal.overdue && <Badge tone="danger">{words.overdue}</Badge>}
            <Link to="/operator/accounts/$id" params={{ id: appeal.account.id }}>
              {appeal.account.email}
            </Link>
          </Row>
        }
        back={{ to: '/operator/appeals', label: words.title }}
        actions={
          appeal.state === 'pending' && (
            <Button kind="primary" onClick={() => setAnswering(true)}>
              {words.decide}
            </Button>
          )
        }
      />
      <Stack gap="large">
        <Card title={words.statement}>
          <p className={styles.quoted}>{appeal.text}</p>
          <Facts
            items={[
              { term: m.cases.sent, value: format.dateTime(appeal.created_at) },
              { term: words.due, value: format.dateTime(appeal.first_look_due_at) },
              ...(appeal.outcome_text
                ? [{ term: m.cases.answer, value: appeal.outcome_text }]
                : []),
            ]}
          />
        </Card>
        <Card title={words.decision}>
          <CaseView of={appeal.case} onReverse={null} />
        </Card>
      </Stack>
      {answering && <AnswerAppeal of={appeal} onClose={() => setAnswering(false)} />}
    </>
  )
}

type Values = { outcome: 'uphold' | 'reduce' | 'reverse'; text: string }

function AnswerAppeal(props: { of: Appeal; onClose(): void }) {
  const { m } = useLanguage()
  const queryClient = useQueryClient()
  const { register, handleSubmit, watch, formState } = useForm<Values>({
    defaultValues: { outcome: 'uphold', text: '' },
  })
  const words = m.appeals
  const answer = useMutation({
    mutationFn: (body: Values) =>
      call('POST /api/operator/appeals/{id}/decision', { params: { id: props.of.id }, body }),
    onSuccess: async () => {
      toast(words.done)
      await queryClient.invalidateQueries({ queryKey: operatorKey })
      props.onClose()
    },
  })
  return (
    <Dialog
      open
      onClose={props.onClose}
      title={words.decideTitle}
      footer={
        <>
          <Button kind="quiet" onClick={props.onClose}>
            {m.common.cancel}
          </Button>
          <Button type="submit" form="answer-appeal" kind="primary" busy={answer.isPending}>
            {words.action}
          </Button>
        </>
      }
    >
      <form
        id="answer-appeal"
        noValidate
        onSubmit={handleSubmit((values) => answer.mutate(values))}
      >
        <Stack>
          <Select label={words.outcome} {...register('outcome')}>
            {(['uphold', 'reduce', 'reverse'] as const).map((one) => (
              <option key={one} value={one}>
                {words.outcomes[one]}
              </option>
            ))}
          </Select>
          <TextArea
            label={words.text}
            hint={words.textHint}
            maxLength={2_000}
            error={formState.errors.text?.message ?? fieldError(answer.error, 'text')}
            {...register('text', { validate: (value) => value.trim() !== '' || words.textNeeded })}
          />
          <Callout tone="warn">
            <p>{words.consequences[watch('outcome')]}</p>
          </Callout>
          <RefusalNote error={answer.error} />
        </Stack>
      </form>
    </Dialog>
  )
}
