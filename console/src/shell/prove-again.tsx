import { useMutation } from '@tanstack/react-query'
import { useEffect, useId, useRef, useState } from 'react'
import { useForm } from 'react-hook-form'
import { call, whenProofIsNeeded } from '../api/client.ts'
import { Button } from '../design/button.tsx'
import { Dialog } from '../design/dialog.tsx'
import { PasswordField } from '../design/field.tsx'
import { Stack } from '../design/page.tsx'
import { RefusalNote } from '../design/states.tsx'
import { useLanguage } from '../messages/messages.tsx'

type Values = { password: string }

/**
 * Asks for the password when a call was refused because the last proof is too old; the call goes on
 * after it. One dialog, however many calls wait.
 */
export function ProveAgain() {
  const { m } = useLanguage()
  const [open, setOpen] = useState(false)
  const waiting = useRef<((proven: boolean) => void)[]>([])
  const formId = useId()
  const { register, handleSubmit, formState, reset } = useForm<Values>({
    defaultValues: { password: '' },
  })
  useEffect(() => {
    whenProofIsNeeded(() => {
      setOpen(true)
      return new Promise((resolve) => waiting.current.push(resolve))
    })
  }, [])
  const finish = (proven: boolean) => {
    setOpen(false)
    reset()
    prove.reset()
    for (const resolve of waiting.current.splice(0)) resolve(proven)
  }
  const prove = useMutation({
    mutationFn: (body: Values) => call('POST /api/sessions/current/prove', { body }),
    onSuccess: () => finish(true),
  })
  const words = m.proveAgain
  return (
    <Dialog
      open={open}
      onClose={() => finish(false)}
      title={words.title}
      description={words.text}
      footer={
        <>
          <Button kind="quiet" onClick={() => finish(false)}>
            {m.common.cancel}
          </Button>
          <Button type="submit" form={formId} kind="primary" busy={prove.isPending}>
            {words.action}
          </Button>
        </>
      }
    >
      <form
        id={formId}
        noValidate
        onSubmit={(event) => {
          event.stopPropagation()
          void handleSubmit((values) => prove.mutate(values))(event)
        }}
      >
        <Stack>
          <PasswordField
            label={words.password}
            autoComplete="current-password"
            error={formState.errors.password?.message}
            {...register('password', { required: m.checks.password })}
          />
          <RefusalNote error={prove.error} />
        </Stack>
      </form>
    </Dialog>
  )
}
