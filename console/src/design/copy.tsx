import { useRef, useState } from 'react'
import { useLanguage } from '../messages/messages.tsx'
import { Button } from './button.tsx'
import styles from './copy.module.css'
import { Tabs } from './tabs.tsx'

/** Copies a text and says so, to eyes and to screen readers. */
export function CopyButton(props: { text: string; label?: string; onCopied?(): void }) {
  const { m } = useLanguage()
  const [copied, setCopied] = useState(false)
  const timer = useRef(0)
  const copy = async () => {
    await navigator.clipboard.writeText(props.text)
    setCopied(true)
    props.onCopied?.()
    clearTimeout(timer.current)
    timer.current = window.setTimeout(() => setCopied(false), 2500)
  }
  return (
    <>
      <Button size="small" icon={copied ? 'check' : 'copy'} onClick={() => void copy()}>
        {copied ? m.common.copied : (props.label ?? m.common.copy)}
      </Button>
      <span role="status" className="visually-hidden">
        {copied ? m.common.copied : ''}
      </span>
    </>
  )
}

/** One value to take away, such as a secret or an identifier. */
export function CopyBox(props: { label: string; value: string; onCopied?(): void }) {
  return (
    <div className={styles.box}>
      <div className={styles.boxLabel}>{props.label}</div>
      <div className={styles.boxRow}>
        <code className={styles.value}>{props.value}</code>
        <CopyButton text={props.value} {...(props.onCopied && { onCopied: props.onCopied })} />
      </div>
    </div>
  )
}

/** `copy` is what the button takes along where that is not the code itself. */
export function CodeBlock(props: {
  code: string
  label: string
  copy?: { text: string; label: string }
}) {
  return (
    <div className={styles.code}>
      <div className={styles.codeHead}>
        <span>{props.label}</span>
        <CopyButton
          text={props.copy?.text ?? props.code}
          {...(props.copy && { label: props.copy.label })}
        />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section className={styles.scroll} aria-label={props.label} tabIndex={0}>
        <pre>
          <code>{props.code}</code>
        </pre>
      </section>
    </div>
  )
}

/** The same thing in several languages. */
export function CodeSnippet(props: {
  label: string
  variants: readonly { id: string; title: string; code: string }[]
}) {
  return (
    <Tabs
      label={props.label}
      tabs={props.variants.map(({ id, title, code }) => ({
        id,
        title,
        content: <CodeBlock code={code} label={`${props.label} · ${title}`} />,
      }))}
    />
  )
}
