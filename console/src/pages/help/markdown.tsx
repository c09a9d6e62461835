import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { CodeBlock } from '../../design/copy.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { type Block, blocksOf, type Inline, inlinesOf } from './blocks.ts'
import styles from './help.module.css'

/** An article's text. Everything becomes elements, nothing becomes HTML. */
export function Markdown(props: { text: string }) {
  const blocks = blocksOf(props.text)
  return (
    <div className={styles.prose}>
      {blocks.map((block, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the text never changes order while shown
        <BlockView key={index} of={block} />
      ))}
    </div>
  )
}

function BlockView({ of: block }: { of: Block }) {
  const { m } = useLanguage()
  switch (block.kind) {
    case 'heading':
      return block.level === 2 ? <h2>{inline(block.text)}</h2> : <h3>{inline(block.text)}</h3>
    case 'code':
      return <CodeBlock code={block.text} label={m.help.example} />
    case 'list': {
      const items = block.items.map((item) => <li key={item}>{inline(item)}</li>)
      return block.ordered ? <ol>{items}</ol> : <ul>{items}</ul>
    }
    case 'paragraph':
      return <p>{inline(block.text)}</p>
  }
}

const inline = (text: string): ReactNode =>
  inlinesOf(text).map((part, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: the text never changes order while shown
    <InlineView key={index} of={part} />
  ))

function InlineView({ of: part }: { of: Inline }) {
  switch (part.kind) {
    case 'code':
      return <code>{part.text}</code>
    case 'strong':
      return <strong>{part.text}</strong>
    case 'link':
      return part.to.startsWith('/') && !part.to.startsWith('/api/') ? (
        <Link to={part.to}>{part.text}</Link>
      ) : (
        <a href={part.to} rel="noreferrer">
          {part.text}
        </a>
      )
    case 'text':
      return part.text
  }
}
