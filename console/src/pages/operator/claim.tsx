import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useForm } from 'react-hook-form'
import { call } from '../../api/client.ts'
import { Button } from '../../design/button.tsx'
import { Callout } from '../../design/callout.tsx'
import { Field, PasswordField } from '../../design/field.tsx'
import { Stack } from '../../design/page.tsx'
import { fieldError, RefusalNote } from '../../design/states.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { FormFrame } from '../../shell/open-frame.tsx'
import { useGoOn } from '../sign-in/go-on.ts'
import { mailShape } from '../sign-in/mail-shape.ts'
import { PasswordMeter } from '../sign-up/password-meter.tsx'

type Values = { name: string; email: string; password: string }

/** The token stands in the fragment, which no server and no log ever sees. */
export function Claim() {
  const { m } = useLanguage()
  const goOn = useGoOn()
  const [token] = useState(() => location.hash.replace(/^#(token=)?/, ''))
  const { register, handleSubmit, formState, watch } = useForm<Values>({
    defaultValues: { name: '', email: '', password: '' },
  })
  const { errors } = formState
  const claim = useMutation({
    mutationFn: (values: Values) =>
      call('POST /api/operator/claim', { body: { token, ...values } }),
    onSuccess: (account) => goOn(account, {}),
  })
  const [name, email, password] = watch(['name', 'email', 'password'])
  return (
    <FormFrame title={m.claim.title} lead={m.claim.lead}>
      {token === '' ? (
        <Callout tone="warn">
          <p>{m.claim.missing}</p>
        </Callout>
      ) : (
        <form noValidate onSubmit={handleSubmit((values) => claim.mutate(values))}>
          <Stack>
            <Field
              label={m.fields.name}
              autoComplete="name"
              error={errors.name?.message ?? fieldError(claim.error, 'name')}
              {...register('name', { required: m.checks.name })}
            />
            <Field
              label={m.fields.email}
              type="email"
              autoComplete="username"
              error={errors.email?.message ?? fieldError(claim.error, 'email')}
              {...register('email', { required: m.checks.email, pattern: mailShape(m) })}
            />
            <PasswordField
              label={m.fields.password}
              autoComplete="new-password"
              error={errors.password?.message ?? fieldError(claim.error, 'password')}
              meter={<PasswordMeter password={password} name={name} email={email} />}
              {...register('password', { required: m.checks.newPassword })}
            />
            <RefusalNote error={claim.error} />
            <Button type="submit" kind="primary" wide busy={claim.isPending}>
              {m.claim.submit}
            </Button>
          </Stack>
        </form>
      )}
    </FormFrame>
  )
}
