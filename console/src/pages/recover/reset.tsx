import { useMutation, useSuspenseQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { useForm } from 'react-hook-form'
import { call } from '../../api/client.ts'
import { consoleQuery } from '../../api/queries.ts'
import { Button } from '../../design/button.tsx'
import { Callout } from '../../design/callout.tsx'
import { CodeField, Field, PasswordField } from '../../design/field.tsx'
import { Stack } from '../../design/page.tsx'
import { fieldError, RefusalNote } from '../../design/states.tsx'
import { toast } from '../../design/toast.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { FormFrame } from '../../shell/open-frame.tsx'
import { mailShape } from '../sign-in/mail-shape.ts'
import { PasswordMeter } from '../sign-up/password-meter.tsx'
import { DevelopmentCode } from '../verify/development-code.tsx'

type Values = { email: string; code: string; password: string }

export function Reset() {
  const { m } = useLanguage()
  const { email, code } = useSearch({ from: '/recover/reset' })
  const { data: server } = useSuspenseQuery(consoleQuery)
  const navigate = useNavigate()
  const { register, handleSubmit, formState, setValue, watch } = useForm<Values>({
    defaultValues: { email: email ?? '', code: code ?? '', password: '' },
  })
  const { errors } = formState
  const reset = useMutation({
    mutationFn: (values: Values) =>
      call('POST /api/password/reset', {
        body: { ...values, code: values.code.replace(/\D/g, '') },
      }),
    onSuccess: (_, values) => {
      toast(m.recover.done)
      return navigate({ to: '/sign-in', search: { email: values.email } })
    },
  })
  return (
    <FormFrame
      title={m.recover.resetTitle}
      lead={email ? m.recover.resetLead(email) : m.recover.lead}
      foot={<Link to="/sign-in">{m.recover.back}</Link>}
    >
      <form noValidate onSubmit={handleSubmit((values) => reset.mutate(values))}>
        <Stack>
          {!email && (
            <Field
              label={m.fields.email}
              type="email"
              autoComplete="username"
              error={errors.email?.message}
              {...register('email', { required: m.checks.email, pattern: mailShape(m) })}
            />
          )}
          <CodeField
            label={m.fields.code}
            error={errors.code?.message}
            {...register('code', {
              required: m.checks.code,
              validate: (value) => value.replace(/\D/g, '').length === 6 || m.checks.code,
            })}
          />
          {server.mode === 'development' && (
            <DevelopmentCode email={email} onUse={(latest) => setValue('code', latest)} />
          )}
          <PasswordField
            label={m.fields.password}
            autoComplete="new-password"
            error={errors.password?.message ?? fieldError(reset.error, 'password')}
            meter={<PasswordMeter password={watch('password')} {...(email && { email })} />}
            {...register('password', { required: m.checks.newPassword })}
          />
          <Callout>
            <p>{m.recover.consequence}</p>
          </Callout>
          <RefusalNote error={reset.error} />
          <Button type="submit" kind="primary" wide busy={reset.isPending}>
            {m.recover.resetSubmit}
          </Button>
        </Stack>
      </form>
    </FormFrame>
  )
}
