import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useForm } from 'react-hook-form'
import { call } from '../../api/client.ts'
import { Button } from '../../design/button.tsx'
import { TextArea } from '../../design/field.tsx'
import { Row, Stack } from '../../design/page.tsx'
import { fieldError, RefusalNote } from '../../design/states.tsx'
import { toast } from '../../design/toast.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import styles from './cases.module.css'

const charactersMax = 2_000

export function AppealForm(props: { caseId: string; deadline: string | null }) {
  const { m, format } = useLanguage()
  const queryClient = useQueryClient()
  const { register, handleSubmit, watch, formState } = useForm({ defaultValues: { text: '' } })
  const words = m.cases
  const send = useMutation({
    mutationFn: (body: { text: string }) =>
      call('POST /api/cases/{id}/appeal', { params: { id: props.caseId }, body }),
    onSuccess: async () => {
      toast(words.appealSent)
      await queryClient.invalidateQueries({ queryKey: ['cases'] })
    },
  })
  const left = charactersMax - watch('text').length
  return (
    <form
      noValidate
      className={styles.appeal}
      onSubmit={handleSubmit((values) => send.mutate(values))}
    >
      <Stack>
        <div>
          <h3 className={styles.small}>{words.appeal}</h3>
          <p>{words.appealLead}</p>
          {props.deadline && <p>{words.appealDeadline(format.dateTime(props.deadline))}</p>}
        </div>
        <TextArea
          label={words.appealText}
          rows={6}
          maxLength={charactersMax}
          hint={words.appealCounter(format.number(left))}
          error={formState.errors.text?.message ?? fieldError(send.error, 'text')}
          {...register('text', {
            validate: (value) => value.trim() !== '' || words.appealNeeded,
          })}
        />
        <p className={styles.once}>{words.appealOnce}</p>
        <RefusalNote error={send.error} />
        <Row>
          <Button type="submit" kind="primary" busy={send.isPending}>
            {words.appealSend}
          </Button>
        </Row>
      </Stack>
    </form>
  )
}
