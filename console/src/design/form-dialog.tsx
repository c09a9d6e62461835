import { type FormEventHandler, type ReactNode, useId } from 'react'
import { useLanguage } from '../messages/messages.tsx'
import { Button } from './button.tsx'
import { Dialog } from './dialog.tsx'
import { RefusalNote } from './states.tsx'

/** A form in a dialog: its fields, why it was refused, and the two buttons below. */
export function FormDialog(props: {
  title: string
  /** What the button says that sends it. */
  action: string
  busy: boolean
  error: unknown
  onSubmit: FormEventHandler<HTMLFormElement>
  onClose(): void
  children: ReactNode
}) {
  const { m } = useLanguage()
  const id = useId()
  return (
    <Dialog
      open
      wide
      onClose={props.onClose}
      title={props.title}
      footer={
        <>
          <Button kind="quiet" onClick={props.onClose}>
            {m.common.cancel}
          </Button>
          <Button type="submit" form={id} kind="primary" busy={props.busy}>
            {props.action}
          </Button>
        </>
      }
    >
      <form id={id} noValidate onSubmit={props.onSubmit}>
        {props.children}
      </form>
      <RefusalNote error={props.error} />
    </Dialog>
  )
}
