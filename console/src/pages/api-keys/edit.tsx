import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useForm } from 'react-hook-form'
import { call } from '../../api/client.ts'
import { type ApiKey, keysQuery } from '../../api/queries.ts'
import { Button } from '../../design/button.tsx'
import { Dialog } from '../../design/dialog.tsx'
import { RefusalNote } from '../../design/states.tsx'
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
  const formId = 'edit-key'
  return (
    <Dialog
      open
      wide
      onClose={props.onClose}
      title={m.keys.editTitle}
      footer={
        <>
          <Button kind="quiet" onClick={props.onClose}>
            {m.common.cancel}
          </Button>
          <Button type="submit" form={formId} kind="primary" busy={edit.isPending}>
            {m.common.save}
          </Button>
        </>
      }
    >
      <form id={formId} noValidate onSubmit={form.handleSubmit((values) => edit.mutate(values))}>
        <KeyForm form={form} error={edit.error} />
      </form>
      <RefusalNote error={edit.error} />
    </Dialog>
  )
}
