import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useForm } from 'react-hook-form'
import { call } from '../../api/client.ts'
import { type Account, devicesQuery } from '../../api/queries.ts'
import { Button } from '../../design/button.tsx'
import { PasswordField } from '../../design/field.tsx'
import { Card, Row, Stack } from '../../design/page.tsx'
import { fieldError, RefusalNote } from '../../design/states.tsx'
import { toast } from '../../design/toast.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { PasswordMeter } from '../sign-up/password-meter.tsx'
import styles from './security.module.css'

type Values = { current: string; password: string }

export function Password(props: { account: Account }) {
  const { m } = useLanguage()
  const queryClient = useQueryClient()
  const { register, handleSubmit, formState, watch, reset } = useForm<Values>({
    defaultValues: { current: '', password: '' },
  })
  const change = useMutation({
    mutationFn: (body: Values) => call('PUT /api/account/password', { body }),
    onSuccess: async () => {
      reset()
      toast(m.security.passwordDone)
      await queryClient.invalidateQueries({ queryKey: devicesQuery.queryKey })
    },
  })
  const words = m.security
  const { errors } = formState
  return (
    <Card title={words.password} lead={words.passwordText}>
      <form
        noValidate
        className={styles.narrow}
        onSubmit={handleSubmit((values) => change.mutate(values))}
      >
        <Stack>
          <input type="email" autoComplete="username" value={props.account.email} readOnly hidden />
          <PasswordField
            label={words.current}
            autoComplete="current-password"
            error={errors.current?.message ?? fieldError(change.error, 'current')}
            {...register('current', { required: m.checks.password })}
          />
          <PasswordField
            label={words.next}
            autoComplete="new-password"
            error={errors.password?.message ?? fieldError(change.error, 'password')}
            meter={
              <PasswordMeter
                password={watch('password')}
                name={props.account.name}
                email={props.account.email}
              />
            }
            {...register('password', { required: m.checks.newPassword })}
          />
          <RefusalNote error={change.error} />
          <Row>
            <Button type="submit" kind="primary" busy={change.isPending}>
              {words.passwordAction}
            </Button>
          </Row>
        </Stack>
      </form>
    </Card>
  )
}
