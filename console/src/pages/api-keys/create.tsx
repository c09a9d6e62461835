import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useForm } from 'react-hook-form'
import { call } from '../../api/client.ts'
import { keysQuery } from '../../api/queries.ts'
import { FormDialog } from '../../design/form-dialog.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { KeyForm } from './key-form.tsx'
import { emptyKey, type KeyValues, keyBody, type NewKey } from './key-values.ts'

export function CreateKey(props: {
  project: string
  onClose(): void
  onCreated(key: NewKey): void
}) {
  const { m } = useLanguage()
  const queryClient = useQueryClient()
  const form = useForm<KeyValues>({ defaultValues: emptyKey(props.project) })
  const create = useMutation({
    mutationFn: (values: KeyValues) =>
      call('POST /api/projects/{project_id}/keys', {
        params: { project_id: values.project },
        body: keyBody(values),
      }),
    onSuccess: async (key) => {
      props.onCreated(key)
      await queryClient.invalidateQueries({ queryKey: keysQuery.queryKey })
    },
    gcTime: 0, // the answer holds the secret
  })
  return (
    <FormDialog
      title={m.keys.createTitle}
      action={m.keys.create}
      busy={create.isPending}
      error={create.error}
      onSubmit={form.handleSubmit((values) => create.mutate(values))}
      onClose={props.onClose}
    >
      <KeyForm form={form} error={create.error} creating />
    </FormDialog>
  )
}
