import { useQueryClient } from '@tanstack/react-query'
import { call } from '../../api/client.ts'
import { type ApiKey, keysQuery } from '../../api/queries.ts'
import { RotateDialog } from '../../design/rotate-dialog.tsx'
import { useLanguage } from '../../messages/messages.tsx'

export function RotateKey(props: { of: ApiKey; onClose(): void; onRotated(secret: string): void }) {
  const { m } = useLanguage()
  const queryClient = useQueryClient()
  return (
    <RotateDialog
      title={m.keys.rotateTitle}
      text={m.keys.rotateText}
      action={m.keys.rotateAction}
      rotate={(overlap_seconds) =>
        call('POST /api/keys/{id}/rotate', {
          params: { id: props.of.id },
          body: { overlap_seconds },
        })
      }
      onRotated={async ({ secret }) => {
        props.onRotated(secret)
        await queryClient.invalidateQueries({ queryKey: keysQuery.queryKey })
      }}
      onClose={props.onClose}
    />
  )
}
