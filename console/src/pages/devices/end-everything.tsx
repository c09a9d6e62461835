import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { call } from '../../api/client.ts'
import { consoleQuery } from '../../api/queries.ts'
import { Button } from '../../design/button.tsx'
import { Confirm } from '../../design/confirm.tsx'
import { Checkbox } from '../../design/field.tsx'
import { Card, Muted, Row } from '../../design/page.tsx'
import { toast } from '../../design/toast.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { EndsAndStays } from './ends-and-stays.tsx'

/**
 * Ends every sign-in and token, for whoever thinks that somebody is in the account. What ends and
 * what stays stands above the button; the password is asked for where the last proof is too old.
 */
export function EndEverything() {
  const { m } = useLanguage()
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  const [open, setOpen] = useState(false)
  const [alsoHere, setAlsoHere] = useState(false)
  const words = m.endEverything
  const end = useMutation({
    mutationFn: () => call('POST /api/account/revoke-all', { body: { keep_current: !alsoHere } }),
    onSuccess: async () => {
      setOpen(false)
      if (!alsoHere) {
        toast(words.done)
        await queryClient.invalidateQueries()
        return
      }
      queryClient.clear()
      await queryClient.fetchQuery(consoleQuery)
      toast(words.doneHereToo)
      await navigate({ to: '/sign-in' })
    },
  })
  return (
    <Card title={words.title} lead={words.lead} tone="danger">
      <Row>
        <Button kind="danger" onClick={() => setOpen(true)}>
          {words.action}
        </Button>
      </Row>
      <Confirm
        open={open}
        onClose={() => setOpen(false)}
        title={words.confirmTitle}
        consequence={<EndsAndStays of="self" />}
        action={words.action}
        danger
        busy={end.isPending}
        error={end.error}
        onConfirm={() => end.mutate()}
      >
        <Checkbox
          label={words.here}
          hint={words.hereHint}
          checked={alsoHere}
          onChange={(event) => setAlsoHere(event.target.checked)}
        />
        {end.isPending && (
          <p role="status">
            <Muted>{words.busy}</Muted>
          </p>
        )}
      </Confirm>
    </Card>
  )
}
