import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useForm } from 'react-hook-form'
import { call } from '../../api/client.ts'
import { type Account, consoleQuery } from '../../api/queries.ts'
import { Badge } from '../../design/badge.tsx'
import { Button } from '../../design/button.tsx'
import { Field, Select } from '../../design/field.tsx'
import { Card, Facts, Row, Stack } from '../../design/page.tsx'
import { fieldError, RefusalNote } from '../../design/states.tsx'
import { toast } from '../../design/toast.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import styles from './security.module.css'

type Values = { name: string; locale: 'en' | 'zh' }

export function Profile(props: { account: Account }) {
  const { m, locale, switchTo, format } = useLanguage()
  const { account } = props
  const queryClient = useQueryClient()
  const { register, handleSubmit, formState } = useForm<Values>({
    values: { name: account.name, locale: account.locale },
  })
  const save = useMutation({
    mutationFn: (body: Values) => call('PATCH /api/account', { body }),
    onSuccess: async (changed) => {
      queryClient.setQueryData(consoleQuery.queryKey, (before) =>
        before ? { ...before, account: changed } : before,
      )
      if (changed.locale !== locale) await switchTo(changed.locale, 'chosen')
      toast(m.common.saved)
    },
  })
  const words = m.security
  return (
    <Card title={words.profile}>
      <Facts
        items={[
          {
            term: words.email,
            value: (
              <Row>
                {account.email}
                <Badge tone={account.email_verified ? 'good' : 'warn'}>
                  {account.email_verified ? words.verified : words.unverified}
                </Badge>
              </Row>
            ),
          },
          { term: m.common.state, value: m.states[account.state] },
          { term: m.common.created, value: format.date(account.created_at) },
        ]}
      />
      <form
        noValidate
        className={styles.narrow}
        onSubmit={handleSubmit((values) => save.mutate(values))}
      >
        <Stack>
          <Field
            label={m.fields.name}
            autoComplete="name"
            error={formState.errors.name?.message ?? fieldError(save.error, 'name')}
            {...register('name', { required: m.checks.name })}
          />
          <Select label={words.language} {...register('locale')}>
            <option value="en" lang="en">
              English
            </option>
            <option value="zh" lang="zh-CN">
              简体中文
            </option>
          </Select>
          <RefusalNote error={save.error} />
          <Row>
            <Button type="submit" kind="primary" busy={save.isPending}>
              {m.common.save}
            </Button>
          </Row>
        </Stack>
      </form>
    </Card>
  )
}
