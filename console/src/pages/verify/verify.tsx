import { useMutation, useSuspenseQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { useForm } from 'react-hook-form'
import { call } from '../../api/client.ts'
import { consoleQuery } from '../../api/queries.ts'
import { Button } from '../../design/button.tsx'
import { CodeField, Field } from '../../design/field.tsx'
import { Stack } from '../../design/page.tsx'
import { RefusalNote } from '../../design/states.tsx'
import { toast } from '../../design/toast.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { FormFrame } from '../../shell/open-frame.tsx'
import { mailShape } from '../sign-in/mail-shape.ts'
import { DevelopmentCode } from './development-code.tsx'

type Values = { email: string; code: string }

/** The mailed link only fills the page in; the person confirms. */
export function Verify() {
  const { m } = useLanguage()
  const { email, code, ...search } = useSearch({ from: '/verify' })
  const { data: server } = useSuspenseQuery(consoleQuery)
  const navigate = useNavigate()
  const { register, handleSubmit, formState, setValue, getValues } = useForm<Values>({
    defaultValues: { email: email ?? '', code: code ?? '' },
  })
  const { errors } = formState
  const verify = useMutation({
    mutationFn: (values: Values) =>
      call('POST /api/accounts/verify', {
        body: { email: values.email, code: values.code.replace(/\D/g, '') },
      }),
    onSuccess: (_, values) => {
      toast(m.verify.done)
      return navigate({ to: '/sign-in', search: { ...search, email: values.email } })
    },
  })
  const resend = useMutation({
    mutationFn: () =>
      call('POST /api/accounts/verify/resend', { body: { email: getValues('email') } }),
    onSuccess: () => toast(m.verify.resent),
  })
  return (
    <FormFrame
      title={m.verify.title}
      lead={email ? m.verify.lead(email) : m.verify.leadUnknown}
      foot={<Link to="/sign-up">{m.verify.wrongAddress}</Link>}
    >
      <form noValidate onSubmit={handleSubmit((values) => verify.mutate(values))}>
        <Stack>
          {!email && (
            <Field
              label={m.fields.email}
              type="email"
              autoComplete="email"
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
          <RefusalNote error={verify.error ?? resend.error} />
          <Button type="submit" kind="primary" wide busy={verify.isPending}>
            {m.verify.submit}
          </Button>
          <Button kind="quiet" wide busy={resend.isPending} onClick={() => resend.mutate()}>
            {m.verify.resend}
          </Button>
        </Stack>
      </form>
    </FormFrame>
  )
}
