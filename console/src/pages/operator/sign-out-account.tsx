import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useForm } from 'react-hook-form'
import { call } from '../../api/client.ts'
import { Confirm } from '../../design/confirm.tsx'
import { TextArea } from '../../design/field.tsx'
import { toast } from '../../design/toast.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { EndsAndStays } from '../devices/ends-and-stays.tsx'
import { type OperatorAccount, operatorKey } from './queries.ts'

/** Ends every sign-in and token of an account that somebody else may be in; its API keys stay. */
export function SignOutAccount(props: { of: OperatorAccount; onClose(): void }) {
  const { m } = useLanguage()
  const queryClient = useQueryClient()
  const { register, handleSubmit, formState } = useForm({ defaultValues: { note: '' } })
  const words = m.accounts
  const end = useMutation({
    mutationFn: ({ note }: { note: string }) =>
      call('POST /api/operator/accounts/{id}/revoke-all', {
        params: { id: props.of.id },
        body: { note },
      }),
    onSuccess: async () => {
      toast(words.signOutDone)
      await queryClient.invalidateQueries({ queryKey: operatorKey })
      props.onClose()
    },
  })
  return (
    <Confirm
      open
      onClose={props.onClose}
      title={words.signOutTitle(props.of.name)}
      consequence={<EndsAndStays of="person" />}
      action={words.signOut}
      danger
      busy={end.isPending}
      error={end.error}
      onConfirm={handleSubmit((values) => end.mutate(values))}
    >
      <TextArea
        label={words.signOutNote}
        hint={words.signOutNoteHint}
        rows={3}
        error={formState.errors.note?.message}
        {...register('note', {
          validate: (text) => text.trim() !== '' || words.signOutNoteMissing,
          maxLength: { value: 500, message: words.signOutNoteHint },
        })}
      />
    </Confirm>
  )
}
