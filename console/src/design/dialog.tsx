import { Dialog as Base } from '@base-ui/react/dialog'
import type { ReactNode } from 'react'
import { useLanguage } from '../messages/messages.tsx'
import { cx } from './cx.ts'
import styles from './dialog.module.css'
import { Icon } from './icon.tsx'

/**
 * Centred on wide screens, a sheet from below on phones. Escape and the close button leave it unless
 * `insist` is set, for what would be lost by leaving in passing.
 */
export function Dialog(props: {
  open: boolean
  onClose(): void
  title: string
  description?: ReactNode
  children: ReactNode
  footer?: ReactNode
  insist?: boolean
  wide?: boolean
}) {
  const { m } = useLanguage()
  return (
    <Base.Root
      open={props.open}
      disablePointerDismissal={props.insist === true}
      onOpenChange={(open, details) => {
        if (open) return
        if (props.insist && details.reason === 'escape-key') return
        props.onClose()
      }}
    >
      <Base.Portal>
        <Base.Backdrop className={styles.backdrop} />
        <Base.Viewport className={styles.viewport}>
          <Base.Popup className={cx(styles.popup, props.wide && styles.wide)}>
            <header className={styles.header}>
              <Base.Title className={styles.title}>{props.title}</Base.Title>
              <Base.Close className={styles.close} aria-label={m.common.close}>
                <Icon name="close" />
              </Base.Close>
            </header>
            <div className={styles.body}>
              {props.description && (
                <Base.Description render={<div />} className={styles.description}>
                  {props.description}
                </Base.Description>
              )}
              {props.children}
            </div>
            {props.footer && <footer className={styles.footer}>{props.footer}</footer>}
          </Base.Popup>
        </Base.Viewport>
      </Base.Portal>
    </Base.Root>
  )
}
