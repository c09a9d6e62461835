import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useForm } from 'react-hook-form'
import { call } from '../../api/client.ts'
import { appsQuery, type OAuthApp } from '../../api/queries.ts'
import { FormDialog } from '../../design/form-dialog.tsx'
import { toast } from '../../design/toast.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { AppForm } from './app-form.tsx'
import { type AppValues, changedAppBody, valuesOf } from './app-values.ts'

export function EditApp(props: { of: OAuthApp; onClose(): void }) {
  const { m } = useLanguage()
  const queryClient = useQueryClient()
  const form = useForm<AppValues>({ defaultValues: valuesOf(props.of) })
  const edit = useMutation({
    mutationFn: (values: AppValues) =>
      call('PATCH /api/apps/{client_id}', {
        params: { client_id: props.of.client_id },
        body: changedAppBody(values),
      }),
    onSuccess: async () => {
      toast(m.common.saved)
      await queryClient.invalidateQueries({ queryKey: appsQuery.queryKey })
      props.onClose()
    },
  })
  return (
    <FormDialog
      title={m.apps.editTitle}
      action={m.common.save}
      busy={edit.isPending}
      error={edit.error}
      onSubmit={form.handleSubmit((values) => edit.mutate(values))}
      onClose={props.onClose}
    >
      <AppForm form={form} error={edit.error} />
    </FormDialog>
  )
}
