import { useMutation } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { useForm } from 'react-hook-form'
import { call } from '../../api/client.ts'
import { Button } from '../../design/button.tsx'
import { Field, PasswordField } from '../../design/field.tsx'
import { Stack } from '../../design/page.tsx'
import { fieldError, RefusalNote } from '../../design/states.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { FormFrame } from '../../shell/open-frame.tsx'
import { mailShape } from '../sign-in/mail-shape.ts'
import { PasswordMeter } from './password-meter.tsx'

type Values = { name: string; email: string; password: string }

export function SignUp() {
  const { m, locale } = useLanguage()
  const search = useSearch({ from: '/sign-up' })
  const navigate = useNavigate()
  const { register, handleSubmit, watch, formState } = useForm<Values>({
    defaultValues: { name: '', email: '', password: '' },
  })
  const { errors } = formState
  const signUp = useMutation({
    mutationFn: (values: Values) => call('POST /api/accounts', { body: { ...values, locale } }),
    onSuccess: (_, { email }) => navigate({ to: '/verify', search: { ...search, email } }),
  })
  const [name, email, password] = watch(['name', 'email', 'password'])
  return (
    <FormFrame
      title={m.signUp.title}
      lead={m.signUp.lead}
      foot={
        <>
          {m.signUp.have}{' '}
          <Link to="/sign-in" search={search}>
            {m.signUp.signIn}
          </Link>
        </>
      }
    >
      <form noValidate onSubmit={handleSubmit((values) => signUp.mutate(values))}>
        <Stack>
          <Field
            label={m.fields.name}
            autoComplete="name"
            hint={m.signUp.nameHint}
            error={errors.name?.message ?? fieldError(signUp.error, 'name')}
            {...register('name', { required: m.checks.name, maxLength: 200 })}
          />
          <Field
            label={m.fields.email}
            type="email"
            autoComplete="email"
            inputMode="email"
            error={errors.email?.message ?? fieldError(signUp.error, 'email')}
            {...register('email', { required: m.checks.email, pattern: mailShape(m) })}
          />
          <PasswordField
            label={m.fields.password}
            autoComplete="new-password"
            error={errors.password?.message ?? fieldError(signUp.error, 'password')}
            meter={<PasswordMeter password={password} name={name} email={email} />}
            {...register('password', { required: m.checks.newPassword })}
          />
          <RefusalNote error={signUp.error} />
          <Button type="submit" kind="primary" wide busy={signUp.isPending}>
            {m.signUp.submit}
          </Button>
        </Stack>
      </form>
    </FormFrame>
  )
}
