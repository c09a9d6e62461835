import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useForm } from 'react-hook-form'
import { call } from '../../api/client.ts'
import { type ApiKey, keysQuery } from '../../api/queries.ts'
import { FormDialog } from '../../design/form-dialog.tsx'
import { toast } from '../../design/toast.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { KeyForm } from './key-form.tsx'
import { type KeyValues, keyBody, valuesOf } from './key-values.ts'

export function EditKey(props: { of: ApiKey; onClose(): void }) {
  const { m } = useLanguage()
  const queryClient = useQueryClient()
  const form = useForm<KeyValues>({ defaultValues: valuesOf(props.of) })
  const edit = useMutation({
    mutationFn: (values: KeyValues) =>
      call('PATCH /api/keys/{id}', { params: { id: props.of.id }, body: keyBody(values) }),
    onSuccess: async () => {
      toast(m.common.saved)
      await queryClient.invalidateQueries({ queryKey: keysQuery.queryKey })
      props.onClose()
    },
  })
  return (
    <FormDialog
      title={m.keys.editTitle}
      action={m.common.save}
      busy={edit.isPending}
      error={edit.error}
      onSubmit={form.handleSubmit((values) => edit.mutate(values))}
      onClose={props.onClose}
    >
      <KeyForm form={form} error={edit.error} />
    </FormDialog>
  )
}
