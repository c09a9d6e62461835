import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useRef } from 'react'
import { call, Refusal } from '../../api/client.ts'
import { appsQuery, grantsQuery, type OAuthApp } from '../../api/queries.ts'
import { AppLogo } from '../../design/app-logo.tsx'
import { Button } from '../../design/button.tsx'
import { Card, Row } from '../../design/page.tsx'
import { RefusalNote } from '../../design/states.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { readLogoFile } from './logo-file.ts'

/** The picture that people see when the app asks: chosen, changed and removed at once. */
export function Logo(props: { of: OAuthApp }) {
  const { m } = useLanguage()
  const { of: app } = props
  const words = m.apps.logo
  const queryClient = useQueryClient()
  const input = useRef<HTMLInputElement>(null)
  const params = { client_id: app.client_id }
  const refresh = () =>
    Promise.all(
      [appsQuery, grantsQuery].map(({ queryKey }) => queryClient.invalidateQueries({ queryKey })),
    )
  const set = useMutation({
    mutationFn: async (file: File) => {
      const data = await readLogoFile(file)
      if (data === null)
        throw new Refusal(400, {
          code: 'not_a_picture',
          title: words.unreadable,
          detail: words.unreadableText,
        })
      return call('PUT /api/apps/{client_id}/logo', { params, body: { data } })
    },
    onSuccess: refresh,
  })
  const remove = useMutation({
    mutationFn: () => call('DELETE /api/apps/{client_id}/logo', { params }),
    onSuccess: refresh,
  })
  const choose = () => {
    remove.reset()
    input.current?.click()
  }
  return (
    <Card title={words.title} lead={words.lead}>
      <Row>
        <AppLogo of={app} size="large" />
        <Button busy={set.isPending} onClick={choose}>
          {app.logo_uri ? words.change : words.choose}
        </Button>
        {app.logo_uri && (
          <Button kind="quiet" busy={remove.isPending} onClick={() => remove.mutate()}>
            {words.remove}
          </Button>
        )}
        {/* The button stands for it: it has a name, a state and the keyboard's focus. */}
        <input
          ref={input}
          type="file"
          hidden
          accept="image/png,image/jpeg,image/webp"
          aria-label={words.choose}
          onChange={(event) => {
            const file = event.target.files?.[0]
            event.target.value = '' // the same file may be chosen again
            if (file) set.mutate(file)
          }}
        />
      </Row>
      <RefusalNote error={set.error ?? remove.error} />
    </Card>
  )
}
