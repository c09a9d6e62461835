import {
  type ComponentPropsWithRef,
  type ReactNode,
  useEffect,
  useId,
  useRef,
  useState,
} from 'react'
import { useLanguage } from '../messages/messages.tsx'
import { cx } from './cx.ts'
import styles from './field.module.css'

type Shell = {
  label: string
  /** Said before typing; stays while there is an error. */
  hint?: ReactNode
  error?: string | undefined
  /** Adds “optional” after the label; everything else is required. */
  optional?: boolean
}

/** Label, control, hint and error, tied together for assistive technology. */
function FieldShell(
  props: Shell & {
    id: string
    children: (aria: {
      id: string
      'aria-describedby'?: string
      'aria-invalid'?: true
    }) => ReactNode
  },
) {
  const { m } = useLanguage()
  const { id, label, hint, error } = props
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ')
  return (
    <div className={styles.field}>
      <div className={styles.labelRow}>
        <label htmlFor={id} className={styles.label}>
          {label}
        </label>
        {props.optional && <span className={styles.optional}>{m.common.optional}</span>}
      </div>
      {props.children({
        id,
        ...(described && { 'aria-describedby': described }),
        ...(error && { 'aria-invalid': true as const }),
      })}
      {hint && (
        <div id={`${id}-hint`} className={styles.hint}>
          {hint}
        </div>
      )}
      {error && (
        <p id={`${id}-error`} className={styles.error} role="alert">
          {error}
        </p>
      )}
    </div>
  )
}

const shellOf = ({ label, hint, error, optional }: Shell): Shell => ({
  label,
  ...(hint ? { hint } : {}),
  ...(error ? { error } : {}),
  ...(optional ? { optional } : {}),
})

export function Field({
  label,
  hint,
  error,
  optional,
  className,
  ...input
}: Shell & ComponentPropsWithRef<'input'>) {
  const id = useId()
  return (
    <FieldShell {...shellOf({ label, hint, error, ...(optional && { optional }) })} id={id}>
      {(aria) => (
        <input
          type="text"
          required={!optional}
          {...input}
          {...aria}
          className={cx(styles.input, className)}
        />
      )}
    </FieldShell>
  )
}

export function TextArea({
  label,
  hint,
  error,
  optional,
  ...input
}: Shell & ComponentPropsWithRef<'textarea'>) {
  const id = useId()
  return (
    <FieldShell {...shellOf({ label, hint, error, ...(optional && { optional }) })} id={id}>
      {(aria) => (
        <textarea
          rows={4}
          required={!optional}
          {...input}
          {...aria}
          className={cx(styles.input, styles.area)}
        />
      )}
    </FieldShell>
  )
}

export function Select({
  label,
  hint,
  error,
  optional,
  children,
  ...input
}: Shell & ComponentPropsWithRef<'select'>) {
  const id = useId()
  return (
    <FieldShell {...shellOf({ label, hint, error, ...(optional && { optional }) })} id={id}>
      {(aria) => (
        <select {...input} {...aria} className={cx(styles.input, styles.select)}>
          {children}
        </select>
      )}
    </FieldShell>
  )
}

type Option = { label: string; hint?: ReactNode } & ComponentPropsWithRef<'input'>

export const Checkbox = (props: Option) => <OptionField type="checkbox" {...props} />

/** One of several; they share a `name`. */
export const Radio = (props: Option) => <OptionField type="radio" {...props} />

function OptionField({ label, hint, ...input }: Option) {
  const id = useId()
  return (
    <div className={styles.check}>
      <input {...input} id={id} {...(hint ? { 'aria-describedby': `${id}-hint` } : {})} />
      <div>
        <label htmlFor={id}>{label}</label>
        {hint && (
          <div id={`${id}-hint`} className={styles.hint}>
            {hint}
          </div>
        )}
      </div>
    </div>
  )
}

/** A group of choices under one legend. */
export function Choices(props: { legend: string; hint?: ReactNode; children: ReactNode }) {
  return (
    <fieldset className={styles.choices}>
      <legend className={styles.label}>{props.legend}</legend>
      {props.hint && <div className={styles.hint}>{props.hint}</div>}
      <div className={styles.choiceList}>{props.children}</div>
    </fieldset>
  )
}

/** The six digits from a mail: one input, so that paste, autofill and screen readers all work. */
export function CodeField({
  label,
  hint,
  error,
  ...input
}: Omit<Shell, 'optional'> & ComponentPropsWithRef<'input'>) {
  return (
    <Field
      {...shellOf({ label, hint, error })}
      inputMode="numeric"
      autoComplete="one-time-code"
      maxLength={12}
      spellCheck={false}
      className={cx(styles.code)}
      {...input}
    />
  )
}

/**
 * A password with “Show characters” (a checkbox, so that its name never reads as the field's own).
 * What is shown hides itself again when the form is left.
 */
export function PasswordField({
  label,
  hint,
  error,
  meter,
  ...input
}: Omit<Shell, 'optional'> & { meter?: ReactNode } & ComponentPropsWithRef<'input'>) {
  const { m } = useLanguage()
  const id = useId()
  const [shown, setShown] = useState(false)
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const form = box.current?.closest('form')
    const hide = () => setShown(false)
    form?.addEventListener('submit', hide)
    return () => form?.removeEventListener('submit', hide)
  }, [])
  return (
    <div ref={box}>
      <FieldShell {...shellOf({ label, hint, error })} id={id}>
        {(aria) => (
          <>
            <input
              required
              spellCheck={false}
              autoCapitalize="off"
              {...input}
              {...aria}
              type={shown ? 'text' : 'password'}
              className={styles.input}
            />
            {meter}
            <label className={styles.show}>
              <input
                type="checkbox"
                checked={shown}
                onChange={(event) => setShown(event.target.checked)}
              />
              {m.common.showCharacters}
            </label>
          </>
        )}
      </FieldShell>
    </div>
  )
}
