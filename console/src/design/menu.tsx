import { Menu as Base } from '@base-ui/react/menu'
import type { ReactNode } from 'react'
import { Icon } from './icon.tsx'
import styles from './menu.module.css'

/** A button that opens a list of choices, one of them current. */
export function ChoiceMenu<Value extends string>(props: {
  label: string
  trigger: ReactNode
  value: Value
  choices: readonly { value: Value; title: string; lang?: string }[]
  onChoose(value: Value): void
}) {
  return (
    <Base.Root modal={false}>
      <Base.Trigger className={styles.trigger} aria-label={props.label} title={props.label}>
        {props.trigger}
      </Base.Trigger>
      <Base.Portal>
        <Base.Positioner sideOffset={6} align="end" className={styles.positioner}>
          <Base.Popup className={styles.popup}>
            <Base.RadioGroup
              value={props.value}
              onValueChange={(value) => {
                const choice = props.choices.find((one) => one.value === value)
                if (choice) props.onChoose(choice.value)
              }}
            >
              {props.choices.map((choice) => (
                <Base.RadioItem
                  key={choice.value}
                  value={choice.value}
                  className={styles.item}
                  closeOnClick
                  {...(choice.lang ? { lang: choice.lang } : {})}
                >
                  <span className={styles.check}>
                    <Base.RadioItemIndicator>
                      <Icon name="check" size={16} />
                    </Base.RadioItemIndicator>
                  </span>
                  {choice.title}
                </Base.RadioItem>
              ))}
            </Base.RadioGroup>
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  )
}
