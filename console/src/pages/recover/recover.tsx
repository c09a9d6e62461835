import { useMutation } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { useForm } from 'react-hook-form'
import { call } from '../../api/client.ts'
import { Button } from '../../design/button.tsx'
import { Field } from '../../design/field.tsx'
import { Stack } from '../../design/page.tsx'
import { RefusalNote } from '../../design/states.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { FormFrame } from '../../shell/open-frame.tsx'
import { mailShape } from '../sign-in/mail-shape.ts'

export function Recover() {
  const { m } = useLanguage()
  const { email } = useSearch({ from: '/recover' })
  const navigate = useNavigate()
  const { register, handleSubmit, formState } = useForm({ defaultValues: { email: email ?? '' } })
  const ask = useMutation({
    mutationFn: (body: { email: string }) => call('POST /api/password/forgot', { body }),
    onSuccess: (_, values) =>
      navigate({ to: '/recover/reset', search: { email: values.email.trim() } }),
  })
  return (
    <FormFrame
      title={m.recover.title}
      lead={m.recover.lead}
      foot={<Link to="/sign-in">{m.recover.back}</Link>}
    >
      <form noValidate onSubmit={handleSubmit((values) => ask.mutate(values))}>
        <Stack>
          <Field
            label={m.fields.email}
            type="email"
            autoComplete="username"
            inputMode="email"
            error={formState.errors.email?.message}
            {...register('email', { required: m.checks.email, pattern: mailShape(m) })}
          />
          <RefusalNote error={ask.error} />
          <Button type="submit" kind="primary" wide busy={ask.isPending}>
            {m.recover.submit}
          </Button>
        </Stack>
      </form>
    </FormFrame>
  )
}
