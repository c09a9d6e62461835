import { Toast } from '@base-ui/react/toast'
import type { ReactNode } from 'react'
import { useLanguage } from '../messages/messages.tsx'
import { Icon } from './icon.tsx'
import styles from './toast.module.css'

const manager = Toast.createToastManager()

/** Says briefly that something is done; announced politely and gone after six seconds. */
export const toast = (title: string, description?: string): void => {
  manager.add({ title, ...(description ? { description } : {}), timeout: 6000 })
}

export function ToastProvider(props: { children: ReactNode }) {
  return (
    <Toast.Provider toastManager={manager} limit={3}>
      {props.children}
      <Toast.Portal>
        <Toast.Viewport className={styles.viewport}>
          <Toasts />
        </Toast.Viewport>
      </Toast.Portal>
    </Toast.Provider>
  )
}

function Toasts() {
  const { m } = useLanguage()
  const { toasts } = Toast.useToastManager()
  return toasts.map((item) => (
    <Toast.Root key={item.id} toast={item} className={styles.toast}>
      <span className={styles.tick}>
        <Icon name="check" size={18} />
      </span>
      <Toast.Content className={styles.content}>
        <Toast.Title render={<p />} className={styles.title} />
        <Toast.Description className={styles.description} />
      </Toast.Content>
      <Toast.Close className={styles.close} aria-label={m.common.dismiss}>
        <Icon name="close" size={16} />
      </Toast.Close>
    </Toast.Root>
  ))
}
