import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useForm } from 'react-hook-form'
import { call } from '../../api/client.ts'
import { keysQuery } from '../../api/queries.ts'
import { Button } from '../../design/button.tsx'
import { Dialog } from '../../design/dialog.tsx'
import { RefusalNote } from '../../design/states.tsx'
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
  const formId = 'create-key'
  return (
    <Dialog
      open
      wide
      onClose={props.onClose}
      title={m.keys.createTitle}
      footer={
        <>
          <Button kind="quiet" onClick={props.onClose}>
            {m.common.cancel}
          </Button>
          <Button type="submit" form={formId} kind="primary" busy={create.isPending}>
            {m.keys.create}
          </Button>
        </>
      }
    >
      <form id={formId} noValidate onSubmit={form.handleSubmit((values) => create.mutate(values))}>
        <KeyForm form={form} error={create.error} creating />
      </form>
      <RefusalNote error={create.error} />
    </Dialog>
  )
}
