import { Tabs as Base } from '@base-ui/react/tabs'
import type { ReactNode } from 'react'
import styles from './tabs.module.css'

/** Two or more views of one thing; arrow keys move between them. */
export function Tabs(props: {
  label: string
  tabs: readonly { id: string; title: string; content: ReactNode }[]
}) {
  return (
    <Base.Root defaultValue={props.tabs[0]?.id ?? ''} className={styles.root}>
      <Base.List className={styles.list} aria-label={props.label}>
        {props.tabs.map((tab) => (
          <Base.Tab key={tab.id} value={tab.id} className={styles.tab}>
            {tab.title}
          </Base.Tab>
        ))}
      </Base.List>
      {props.tabs.map((tab) => (
        <Base.Panel key={tab.id} value={tab.id} className={styles.panel}>
          {tab.content}
        </Base.Panel>
      ))}
    </Base.Root>
  )
}
