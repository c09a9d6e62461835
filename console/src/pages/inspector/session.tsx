import { useMutation } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { useForm } from 'react-hook-form'
import { type Answer, call } from '../../api/client.ts'
import type { OAuthApp } from '../../api/queries.ts'
import { Button } from '../../design/button.tsx'
import { Callout } from '../../design/callout.tsx'
import { Choices, PasswordField, Radio } from '../../design/field.tsx'
import { Card, Muted, Row, Stack } from '../../design/page.tsx'
import { RefusalNote } from '../../design/states.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { type AppKey, newAppKey, registeredPart } from './assertion.ts'
import { useInspectorWords } from './words.ts'

/** An open test: the address that takes answers, until when, and the secret to use. */
export type TestSession = {
  redirectUri: string
  expiresAt: string
  /** Empty for apps that have none. Kept here and nowhere else. */
  secret: string
  /** Of an app that proves itself by a key: one that was made here. */
  key: AppKey | null
}

type Values = { secret: 'temporary' | 'own'; own: string }
type Opened = Answer<'POST /api/apps/{client_id}/inspection'>

/** Says what a test opens, and for whom, before it does. */
export function StartTest(props: {
  app: OAuthApp
  redirectUri: string
  onStart(session: TestSession): void
}) {
  const { m } = useLanguage()
  const words = useInspectorWords().start
  const { client_id } = props.app
  const method = props.app.token_endpoint_auth_method
  const confidential = method.startsWith('client_secret')
  const byKey = method === 'private_key_jwt'
  const { register, handleSubmit, watch, formState } = useForm<Values>({
    defaultValues: { secret: 'temporary', own: '' },
  })
  const own = watch('secret') === 'own'
  const start = useMutation({
    mutationFn: async (values: Values): Promise<[Opened, string, AppKey | null]> => {
      const temporary_secret = confidential && values.secret === 'temporary'
      const key = byKey ? await newAppKey() : null
      const opened = await call('POST /api/apps/{client_id}/inspection', {
        params: { client_id },
        body: { temporary_secret, ...(key && { temporary_key: registeredPart(key) }) },
      })
      return [opened, opened.client_secret ?? (confidential ? values.own.trim() : ''), key]
    },
    onSuccess: ([{ redirect_uri: redirectUri, expires_at: expiresAt }, secret, key]) =>
      props.onStart({ redirectUri, expiresAt, secret, key }),
    gcTime: 0, // the answer holds the secret
  })
  if (!isSecureContext)
    return (
      <Callout tone="warn" title={words.needsHttps}>
        <p>{words.needsHttpsText}</p>
      </Callout>
    )
  return (
    <Card title={words.title}>
      <form noValidate onSubmit={handleSubmit((values) => start.mutate(values))}>
        <Stack>
          <div>
            <p>{words.text}</p>
            <p>
              <code>{props.redirectUri}</code>
            </p>
            <Muted>{words.nothingChanges}</Muted>{' '}
            <Link to="/help/$slug" params={{ slug: 'app-inspector' }}>
              {m.common.helpWithThis}
            </Link>
          </div>
          {byKey && (
            <div>
              <p>
                <strong>{words.byKey}</strong>
              </p>
              <Muted>{words.byKeyText}</Muted>
            </div>
          )}
          {confidential && (
            <Choices legend={words.secret}>
              <Radio
                label={words.temporary}
                hint={words.temporaryHint}
                value="temporary"
                {...register('secret')}
              />
              <Radio label={words.own} hint={words.ownHint} value="own" {...register('secret')} />
            </Choices>
          )}
          {confidential && own && (
            <PasswordField
              label={words.ownLabel}
              autoComplete="off"
              error={formState.errors.own?.message}
              {...register('own', { validate: (text) => text.trim() !== '' || words.ownNeeded })}
            />
          )}
          <RefusalNote error={start.error} />
          <Row>
            <Button type="submit" kind="primary" busy={start.isPending}>
              {words.action}
            </Button>
          </Row>
        </Stack>
      </form>
    </Card>
  )
}

/** While it runs: until when, what it leaves behind, and the way to end it now. */
export function RunningTest(props: {
  clientId: string
  session: TestSession
  onEnded(): void
  onAgain(): void
}) {
  const { format } = useLanguage()
  const words = useInspectorWords().running
  const ended = useIsPast(props.session.expiresAt)
  const { clientId, onEnded } = props
  const end = useMutation({
    mutationFn: () =>
      call('DELETE /api/apps/{client_id}/inspection', { params: { client_id: clientId } }),
    onSuccess: onEnded,
  })
  if (ended)
    return (
      <Callout tone="warn" title={words.ended}>
        <p>{words.endedText}</p>
        <Row>
          <Button size="small" onClick={props.onAgain}>
            {words.again}
          </Button>
        </Row>
      </Callout>
    )
  return (
    <Callout tone="good" title={words.title}>
      <p>{words.until(format.time(props.session.expiresAt))}</p>
      <p>{words.connected}</p>
      <Row>
        <Button size="small" busy={end.isPending} onClick={() => end.mutate()}>
          {words.end}
        </Button>
      </Row>
      <RefusalNote error={end.error} />
    </Callout>
  )
}

/** True from that moment on. */
function useIsPast(moment: string): boolean {
  const [past, setPast] = useState(() => Date.parse(moment) <= Date.now())
  useEffect(() => {
    const left = Date.parse(moment) - Date.now()
    setPast(left <= 0)
    const timer = setTimeout(() => setPast(true), Math.max(0, left))
    return () => clearTimeout(timer)
  }, [moment])
  return past
}
