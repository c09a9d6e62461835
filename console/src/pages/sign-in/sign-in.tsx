import { useMutation, useSuspenseQuery } from '@tanstack/react-query'
import { Link, useSearch } from '@tanstack/react-router'
import { useForm } from 'react-hook-form'
import { call, Refusal } from '../../api/client.ts'
import { consoleQuery } from '../../api/queries.ts'
import { Button, LinkButton } from '../../design/button.tsx'
import { Callout } from '../../design/callout.tsx'
import { Field, PasswordField } from '../../design/field.tsx'
import { Stack } from '../../design/page.tsx'
import { RefusalNote } from '../../design/states.tsx'
import { useAskedLanguage } from '../../messages/asked-language.ts'
import { useLanguage } from '../../messages/messages.tsx'
import { FormFrame } from '../../shell/open-frame.tsx'
import { askedBy, ChooseDevice } from './choose-device.tsx'
import { useGoOn } from './go-on.ts'
import { mailShape } from './mail-shape.ts'

type Values = { email: string; password: string }

export function SignIn() {
  const { m } = useLanguage()
  const { email: known, ui_locales, ...search } = useSearch({ from: '/sign-in' })
  useAskedLanguage(ui_locales)
  const goOn = useGoOn()
  const { data: server } = useSuspenseQuery(consoleQuery)
  const { register, handleSubmit, formState, getValues } = useForm<Values>({
    defaultValues: { email: known ?? '', password: '' },
  })
  const { errors } = formState
  const signIn = useMutation({
    mutationFn: (body: Values) => call('POST /api/sessions', { body }),
    onSuccess: (account) => goOn(account, search),
  })
  const unverified = signIn.error instanceof Refusal && signIn.error.code === 'email_unverified'
  const asked = askedBy(signIn.error)
  if (asked)
    return (
      <ChooseDevice
        asked={asked}
        onDone={(account) => goOn(account, search)}
        onLeave={signIn.reset}
      />
    )
  return (
    <FormFrame
      title={m.signIn.title}
      lead={search.tx ? m.signIn.leadApp : m.signIn.lead}
      foot={
        <>
          <span>
            {m.signIn.noAccount}{' '}
            <Link to="/sign-up" search={search}>
              {m.signIn.signUp}
            </Link>
          </span>
          <Link to="/recover">{m.signIn.forgot}</Link>
        </>
      }
    >
      <form noValidate onSubmit={handleSubmit((values) => signIn.mutate(values))}>
        <Stack>
          {server.signed_out_reason && (
            <Callout>
              <p>{m.signedOut[server.signed_out_reason]}</p>
            </Callout>
          )}
          <Field
            label={m.fields.email}
            type="email"
            autoComplete="username"
            inputMode="email"
            error={errors.email?.message}
            {...register('email', { required: m.checks.email, pattern: mailShape(m) })}
          />
          <PasswordField
            label={m.fields.password}
            autoComplete="current-password"
            error={errors.password?.message}
            {...register('password', { required: m.checks.password })}
          />
          <RefusalNote error={signIn.error} />
          {unverified && (
            <LinkButton to="/verify" search={{ ...search, email: getValues('email') }} wide>
              {m.signIn.verifyFirst}
            </LinkButton>
          )}
          <Button type="submit" kind="primary" wide busy={signIn.isPending}>
            {m.signIn.submit}
          </Button>
        </Stack>
      </form>
    </FormFrame>
  )
}
