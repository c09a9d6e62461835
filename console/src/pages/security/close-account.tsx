import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { call } from '../../api/client.ts'
import { consoleQuery } from '../../api/queries.ts'
import { Button } from '../../design/button.tsx'
import { Confirm } from '../../design/confirm.tsx'
import { PasswordField } from '../../design/field.tsx'
import { Card, Row } from '../../design/page.tsx'
import { fieldError } from '../../design/states.tsx'
import { toast } from '../../design/toast.tsx'
import { useLanguage } from '../../messages/messages.tsx'

export function CloseAccount() {
  const { m } = useLanguage()
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  const [open, setOpen] = useState(false)
  const [password, setPassword] = useState('')
  const [missing, setMissing] = useState(false)
  const words = m.security
  const close = useMutation({
    mutationFn: () => call('DELETE /api/account', { body: { password } }),
    onSuccess: async () => {
      queryClient.clear()
      await queryClient.fetchQuery(consoleQuery)
      toast(words.closed)
      await navigate({ to: '/' })
    },
  })
  return (
    <Card title={words.close} lead={words.closeText} tone="danger">
      <Row>
        <Button kind="danger" onClick={() => setOpen(true)}>
          {words.closeAction}
        </Button>
      </Row>
      <Confirm
        open={open}
        onClose={() => setOpen(false)}
        title={words.closeTitle}
        consequence={words.closeText}
        action={words.closeAction}
        danger
        busy={close.isPending}
        error={close.error}
        onConfirm={() => (password === '' ? setMissing(true) : close.mutate())}
      >
        <PasswordField
          label={words.closePassword}
          autoComplete="current-password"
          value={password}
          onChange={(event) => setPassword(event.target.value)}
          error={
            fieldError(close.error, 'password') ??
            (missing && password === '' ? m.checks.password : undefined)
          }
        />
      </Confirm>
    </Card>
  )
}
