import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useForm } from 'react-hook-form'
import { call } from '../../api/client.ts'
import { appsQuery, type OAuthApp } from '../../api/queries.ts'
import { Button } from '../../design/button.tsx'
import { Dialog } from '../../design/dialog.tsx'
import { RefusalNote } from '../../design/states.tsx'
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
    <Dialog
      open
      wide
      onClose={props.onClose}
      title={m.apps.editTitle}
      footer={
        <>
          <Button kind="quiet" onClick={props.onClose}>
            {m.common.cancel}
          </Button>
          <Button type="submit" form="edit-app" kind="primary" busy={edit.isPending}>
            {m.common.save}
          </Button>
        </>
      }
    >
      <form id="edit-app" noValidate onSubmit={form.handleSubmit((values) => edit.mutate(values))}>
        <AppForm form={form} error={edit.error} />
      </form>
      <RefusalNote error={edit.error} />
    </Dialog>
  )
}
