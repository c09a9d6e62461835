/**
 * The markdown that help articles are written in: `##` and `###` headings, paragraphs, `-` and `1.`
 * lists, fenced blocks; inside a line `code`, **strong** and [links](to). Nothing else means anything.
 */
export type Block =
  | { kind: 'heading'; level: 2 | 3; text: string }
  | { kind: 'paragraph'; text: string }
  | { kind: 'list'; ordered: boolean; items: string[] }
  | { kind: 'code'; text: string }

export type Inline =
  | { kind: 'text' | 'code' | 'strong'; text: string }
  | { kind: 'link'; text: string; to: string }

export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = []
  const lines = markdown.replaceAll('\r\n', '\n').split('\n')
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? ''
    if (line.trim() === '') continue
    if (line.startsWith('```')) {
      const end = lines.findIndex((other, index) => index > at && other.startsWith('```'))
      const last = end === -1 ? lines.length : end
      blocks.push({ kind: 'code', text: lines.slice(at + 1, last).join('\n') })
      at = last
      continue
    }
    const heading = /^(#{2,3}) (.*)$/.exec(line)
    if (heading) {
      blocks.push({
        kind: 'heading',
        level: heading[1]?.length === 2 ? 2 : 3,
        text: heading[2] ?? '',
      })
      continue
    }
    const item = itemOf(line)
    const before = blocks.at(-1)
    const goesOn = (lines[at - 1] ?? '').trim() !== ''
    if (item) {
      if (before?.kind === 'list' && before.ordered === item.ordered) before.items.push(item.text)
      else blocks.push({ kind: 'list', ordered: item.ordered, items: [item.text] })
    } else if (goesOn && before?.kind === 'paragraph') before.text += ` ${line.trim()}`
    else if (goesOn && before?.kind === 'list' && /^\s/.test(line))
      before.items.push(`${before.items.pop() ?? ''} ${line.trim()}`)
    else blocks.push({ kind: 'paragraph', text: line.trim() })
  }
  return blocks
}

function itemOf(line: string): { ordered: boolean; text: string } | null {
  const match = /^(-|\d+\.) (.*)$/.exec(line)
  return match ? { ordered: match[1] !== '-', text: match[2] ?? '' } : null
}

const marks = /`([^`]+)`|\*\*([^*]+)\*\*|\[([^\]]+)\]\(([^)\s]+)\)/g

export function inlinesOf(text: string): Inline[] {
  const parts: Inline[] = []
  let at = 0
  for (const match of text.matchAll(marks)) {
    if (match.index > at) parts.push({ kind: 'text', text: text.slice(at, match.index) })
    const [whole, code, strong, label = '', to = ''] = match
    if (code !== undefined) parts.push({ kind: 'code', text: code })
    else if (strong !== undefined) parts.push({ kind: 'strong', text: strong })
    else if (isSafe(to)) parts.push({ kind: 'link', text: label, to })
    else parts.push({ kind: 'text', text: label })
    at = match.index + whole.length
  }
  if (at < text.length) parts.push({ kind: 'text', text: text.slice(at) })
  return parts
}

/** Own paths and web addresses; never `javascript:` or its kin. */
const isSafe = (to: string): boolean => /^(\/(?!\/)|#|https?:\/\/|mailto:)/.test(to)
