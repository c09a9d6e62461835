import type { ReactNode } from 'react'
import { useLanguage } from '../messages/messages.tsx'
import { Button } from './button.tsx'
import { Dialog } from './dialog.tsx'
import { RefusalNote } from './states.tsx'

/** Says what will happen, then offers the one button that does it. */
export function Confirm(props: {
  open: boolean
  onClose(): void
  title: string
  consequence: ReactNode
  action: string
  danger?: boolean
  busy?: boolean
  error?: unknown
  onConfirm(): void
  children?: ReactNode
}) {
  const { m } = useLanguage()
  return (
    <Dialog
      open={props.open}
      onClose={props.onClose}
      title={props.title}
      description={props.consequence}
      footer={
        <>
          <Button kind="quiet" onClick={props.onClose}>
            {m.common.cancel}
          </Button>
          <Button
            kind={props.danger ? 'danger' : 'primary'}
            busy={props.busy === true}
            onClick={props.onConfirm}
          >
            {props.action}
          </Button>
        </>
      }
    >
      {props.children}
      <RefusalNote error={props.error} />
    </Dialog>
  )
}
