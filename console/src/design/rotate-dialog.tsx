import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useLanguage } from '../messages/messages.tsx'
import { Confirm } from './confirm.tsx'
import { Select } from './field.tsx'

const overlaps = [3600, 86_400, 604_800, 0] as const

/** A new secret in the place of one, which goes on working for a while. `rotate` answers what is shown once. */
export function RotateDialog<Made>(props: {
  title: string
  text: string
  action: string
  rotate(overlapSeconds: number): Promise<Made>
  onRotated(made: Made): void
  onClose(): void
}) {
  const { m } = useLanguage()
  const [overlap, setOverlap] = useState<(typeof overlaps)[number]>(86_400)
  const rotate = useMutation({
    mutationFn: () => props.rotate(overlap),
    onSuccess: props.onRotated,
    gcTime: 0, // the answer holds the secret
  })
  return (
    <Confirm
      open
      onClose={props.onClose}
      title={props.title}
      consequence={props.text}
      action={props.action}
      busy={rotate.isPending}
      error={rotate.error}
      onConfirm={() => rotate.mutate()}
    >
      <Select
        label={m.keys.rotateOverlap}
        value={overlap}
        onChange={(event) =>
          setOverlap(overlaps.find((one) => String(one) === event.target.value) ?? 86_400)
        }
      >
        {overlaps.map((seconds) => (
          <option key={seconds} value={seconds}>
            {m.keys.overlaps[seconds]}
          </option>
        ))}
      </Select>
    </Confirm>
  )
}
