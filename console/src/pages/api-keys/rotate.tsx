import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { call } from '../../api/client.ts'
import { type ApiKey, keysQuery } from '../../api/queries.ts'
import { Confirm } from '../../design/confirm.tsx'
import { Select } from '../../design/field.tsx'
import { useLanguage } from '../../messages/messages.tsx'

export const overlaps = [3600, 86_400, 604_800, 0] as const
export type Overlap = (typeof overlaps)[number]

export function RotateKey(props: { of: ApiKey; onClose(): void; onRotated(secret: string): void }) {
  const { m } = useLanguage()
  const queryClient = useQueryClient()
  const [overlap, setOverlap] = useState<Overlap>(86_400)
  const rotate = useMutation({
    mutationFn: () =>
      call('POST /api/keys/{id}/rotate', {
        params: { id: props.of.id },
        body: { overlap_seconds: overlap },
      }),
    onSuccess: async ({ secret }) => {
      props.onRotated(secret)
      await queryClient.invalidateQueries({ queryKey: keysQuery.queryKey })
    },
    gcTime: 0, // the answer holds the secret
  })
  return (
    <Confirm
      open
      onClose={props.onClose}
      title={m.keys.rotateTitle}
      consequence={m.keys.rotateText}
      action={m.keys.rotateAction}
      busy={rotate.isPending}
      error={rotate.error}
      onConfirm={() => rotate.mutate()}
    >
      <OverlapSelect value={overlap} onChange={setOverlap} />
    </Confirm>
  )
}

/** How long the secret before goes on working. */
export function OverlapSelect(props: { value: Overlap; onChange(value: Overlap): void }) {
  const { m } = useLanguage()
  return (
    <Select
      label={m.keys.rotateOverlap}
      value={props.value}
      onChange={(event) =>
        props.onChange(overlaps.find((one) => String(one) === event.target.value) ?? 86_400)
      }
    >
      {overlaps.map((seconds) => (
        <option key={seconds} value={seconds}>
          {m.keys.overlaps[seconds]}
        </option>
      ))}
    </Select>
  )
}
