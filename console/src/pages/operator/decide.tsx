import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useForm } from 'react-hook-form'
import { call } from '../../api/client.ts'
import { Button } from '../../design/button.tsx'
import { Callout } from '../../design/callout.tsx'
import { Dialog } from '../../design/dialog.tsx'
import { Field, Select, TextArea } from '../../design/field.tsx'
import { Stack } from '../../design/page.tsx'
import { fieldError, RefusalNote } from '../../design/states.tsx'
import { toast } from '../../design/toast.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { type DecisionBody, type OperatorAccount, operatorKey } from './queries.ts'

type Values = {
  kind: DecisionBody['kind']
  reason: DecisionBody['reason']
  text: string
  until: string
}

const kinds = ['suspend', 'limit', 'warn', 'close'] as const
const reasons = [
  'policy_violation',
  'bulk_registration',
  'shared_key',
  'leaked_key',
  'api_abuse',
  'payment_trouble',
  'security_concern',
  'other',
] as const

/** A decision about an account. What it does stands above the button, and the button says it again. */
export function Decide(props: { about: OperatorAccount; onClose(): void }) {
  const { m } = useLanguage()
  const queryClient = useQueryClient()
  const { register, handleSubmit, watch } = useForm<Values>({
    defaultValues: { kind: 'suspend', reason: 'policy_violation', text: '', until: '' },
  })
  const words = m.decide
  const decide = useMutation({
    mutationFn: ({ kind, reason, text, until }: Values) =>
      call('POST /api/operator/accounts/{id}/decisions', {
        params: { id: props.about.id },
        body: {
          kind,
          reason,
          ...(text.trim() && { text: text.trim() }),
          ...(until && { until: new Date(until).toISOString() }),
        },
      }),
    onSuccess: async () => {
      toast(words.done)
      await queryClient.invalidateQueries({ queryKey: operatorKey })
      props.onClose()
    },
  })
  const kind = watch('kind')
  return (
    <Dialog
      open
      wide
      onClose={props.onClose}
      title={words.title(props.about.name)}
      footer={
        <>
          <Button kind="quiet" onClick={props.onClose}>
            {m.common.cancel}
          </Button>
          <Button type="submit" form="decide" kind="danger" busy={decide.isPending}>
            {words.action[kind]}
          </Button>
        </>
      }
    >
      <form id="decide" noValidate onSubmit={handleSubmit((values) => decide.mutate(values))}>
        <Stack>
          <Select label={words.kind} {...register('kind')}>
            {kinds.map((one) => (
              <option key={one} value={one}>
                {words.kinds[one]}
              </option>
            ))}
          </Select>
          <Select label={words.reason} {...register('reason')}>
            {reasons.map((one) => (
              <option key={one} value={one}>
                {words.reasons[one]}
              </option>
            ))}
          </Select>
          <TextArea
            label={words.text}
            hint={words.textHint}
            optional
            maxLength={2_000}
            error={fieldError(decide.error, 'text')}
            {...register('text')}
          />
          {(kind === 'suspend' || kind === 'limit') && (
            <Field
              label={words.until}
              hint={words.untilHint}
              type="datetime-local"
              optional
              error={fieldError(decide.error, 'until')}
              {...register('until')}
            />
          )}
          <Callout tone="warn">
            <p>{words.consequences[kind]}</p>
          </Callout>
          <RefusalNote error={decide.error} />
        </Stack>
      </form>
    </Dialog>
  )
}
