import { useMutation, useQuery, useQueryClient, useSuspenseQuery } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { call, Refusal } from '../../api/client.ts'
import { type ApiKey, consoleQuery, keysQuery } from '../../api/queries.ts'
import { Button } from '../../design/button.tsx'
import { Callout } from '../../design/callout.tsx'
import { Confirm } from '../../design/confirm.tsx'
import { Card, Facts, PageHeader, Row, Stack } from '../../design/page.tsx'
import { Loading, Refused } from '../../design/states.tsx'
import { toast } from '../../design/toast.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { named } from '../../messages/named.ts'
import { RecentCalls } from '../usage/recent-calls.tsx'
import { EditKey } from './edit.tsx'
import { KeyState } from './key-state.tsx'
import { RotateKey } from './rotate.tsx'
import { SecretOnce } from './secret-once.tsx'

type Step = 'edit' | 'rotate' | 'disable' | 'remove'

export function ApiKeyDetails() {
  const { m } = useLanguage()
  const { id } = useParams({ from: '/inside/keys/$id' })
  const keys = useQuery(keysQuery)
  const key = keys.data?.find((one) => one.id === id)
  const back = { to: '/keys', label: m.keys.title }
  if (keys.isPending) return <Loading rows={5} />
  if (keys.error) return <Refused error={keys.error} retry={() => void keys.refetch()} />
  if (!key)
    return (
      <>
        <PageHeader title={m.notFound.title} lead={m.notFound.text} back={back} />
        <Refused error={new Refusal(404, { code: 'not_found', ...notFoundText(m.notFound) })} />
      </>
    )
  return <Details of={key} back={back} />
}

const notFoundText = (words: { title: string; text: string }) => ({
  title: words.title,
  detail: words.text,
})

function Details(props: { of: ApiKey; back: { to: string; label: string } }) {
  const { m, format } = useLanguage()
  const key = props.of
  const { data: server } = useSuspenseQuery(consoleQuery)
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  const [step, setStep] = useState<Step | null>(null)
  const [secret, setSecret] = useState<string | null>(null)
  const words = m.keys
  const refresh = () => queryClient.invalidateQueries({ queryKey: keysQuery.queryKey })
  const setState = useMutation({
    mutationFn: (state: 'active' | 'disabled') =>
      call('PATCH /api/keys/{id}', { params: { id: key.id }, body: { state } }),
    onSuccess: async (_, state) => {
      setStep(null)
      toast(state === 'active' ? words.enabled : words.disabled)
      await refresh()
    },
  })
  const remove = useMutation({
    mutationFn: () => call('DELETE /api/keys/{id}', { params: { id: key.id } }),
    onSuccess: async () => {
      toast(words.removed)
      await navigate({ to: '/keys' })
      await refresh()
    },
  })
  const mayAct = server.account?.state !== 'suspended'
  return (
    <>
      <PageHeader
        title={key.name}
        lead={<code>{key.hint}</code>}
        back={props.back}
        actions={
          mayAct && (
            <>
              <Button onClick={() => setStep('edit')}>{words.edit}</Button>
              <Button onClick={() => setStep('rotate')}>{words.rotate}</Button>
              {key.state === 'active' ? (
                <Button onClick={() => setStep('disable')}>{words.disable}</Button>
              ) : (
                <Button busy={setState.isPending} onClick={() => setState.mutate('active')}>
                  {words.enable}
                </Button>
              )}
              <Button kind="danger" onClick={() => setStep('remove')}>
                {words.remove}
              </Button>
            </>
          )
        }
      />
      <Stack gap="large">
        {!mayAct && (
          <Callout tone="warn">
            <p>{words.suspended}</p>
          </Callout>
        )}
        {key.state_reason && key.state !== 'active' && (
          <Callout tone="warn">
            <p>{named(words.stateReasons, key.state_reason)}</p>
          </Callout>
        )}
        {step === null && setState.error && <Refused error={setState.error} />}
        <Card title={words.settings}>
          <Facts items={factsOf(key, m, format)} />
          <Row>
            <KeyState of={key} />
          </Row>
        </Card>
        <Card title={words.recent}>
          <RecentCalls keyId={key.id} />
        </Card>
      </Stack>
      {step === 'edit' && <EditKey of={key} onClose={() => setStep(null)} />}
      {step === 'rotate' && (
        <RotateKey
          of={key}
          onClose={() => setStep(null)}
          onRotated={(next) => {
            setStep(null)
            setSecret(next)
          }}
        />
      )}
      {secret && <SecretOnce secret={secret} onClose={() => setSecret(null)} />}
      <Confirm
        open={step === 'disable'}
        onClose={() => setStep(null)}
        title={words.disableTitle}
        consequence={words.disableText}
        action={words.disableAction}
        busy={setState.isPending}
        error={setState.error}
        onConfirm={() => setState.mutate('disabled')}
      />
      <Confirm
        open={step === 'remove'}
        onClose={() => setStep(null)}
        title={words.removeTitle}
        consequence={words.removeText}
        action={words.removeAction}
        danger
        busy={remove.isPending}
        error={remove.error}
        onConfirm={() => remove.mutate()}
      />
    </>
  )
}

type Language = ReturnType<typeof useLanguage>

function factsOf(key: ApiKey, m: Language['m'], format: Language['format']) {
  const words = m.keys
  const { requests_per_minute: rpm, tokens_per_minute: tpm, concurrency } = key.limits
  const limit = (value: number | null, show: (n: string) => string) =>
    value ? show(format.number(value)) : words.unlimited
  return [
    { term: words.scopes, value: format.list(key.scopes.map((s) => named(words.scopeNames, s))) },
    { term: words.models, value: key.models ? format.list(key.models) : words.allModels },
    { term: words.ips, value: key.allowed_ips ? format.list(key.allowed_ips) : words.anywhere },
    { term: words.rpm, value: limit(rpm, words.perMinute) },
    { term: words.tpm, value: limit(tpm, words.perMinute) },
    { term: words.concurrency, value: limit(concurrency, words.atOnce) },
    {
      term: m.keys.budgetTerm,
      value: key.budget
        ? words.budgetOf[key.budget.period](format.money(key.budget.amount_micros))
        : words.unlimited,
    },
    {
      term: words.declaredUse,
      value: words.declaredUses[key.declared_use ?? 'none'],
    },
    {
      term: m.common.expires,
      value: key.expires_at ? format.dateTime(key.expires_at) : m.common.noEnd,
    },
    {
      term: m.common.lastUsed,
      value: key.last_used_at ? format.relative(key.last_used_at) : m.common.never,
    },
    {
      term: m.common.created,
      value: `${format.dateTime(key.created_at)} · ${key.created_by.name}`,
    },
  ]
}
