/** What kind of difference it is, where that can be told; it decides the advice. */
export type Difference =
  | 'trailing_slash'
  | 'scheme'
  | 'host'
  | 'port'
  | 'query'
  | 'case'
  | 'encoding'
  | 'other'

export type Comparison = {
  registered: string
  sent: string
  /** How many characters agree from the start; the next one, counted from 1, is the first that differs. */
  agree: number
  kind: Difference
}

/** How two addresses that have to be the same character by character differ; null when they do not. */
export function compare(registered: string, sent: string): Comparison | null {
  if (registered === sent) return null
  return { registered, sent, agree: common(registered, sent), kind: kindOf(registered, sent) }
}

/** Against the one of several that was most likely meant: where both ends agree, least is left over. */
export function compareNearest(registered: readonly string[], sent: string): Comparison | null {
  if (registered.includes(sent)) return null
  const leftOver = (one: string) => {
    const agree = common(one, sent) + common(reversed(one), reversed(sent))
    return one.length + sent.length - 2 * Math.min(agree, one.length, sent.length)
  }
  const [nearest] = registered.toSorted((a, b) => leftOver(a) - leftOver(b))
  return nearest === undefined ? null : compare(nearest, sent)
}

function common(a: string, b: string): number {
  let at = 0
  while (at < a.length && at < b.length && a[at] === b[at]) at++
  return at
}

const reversed = (text: string) => Array.from(text).reverse().join('')

function kindOf(registered: string, sent: string): Difference {
  if (`${registered}/` === sent || registered === `${sent}/`) return 'trailing_slash'
  if (registered.toLowerCase() === sent.toLowerCase()) return 'case'
  if (decoded(registered) === decoded(sent)) return 'encoding'
  const [a, b] = [URL.parse(registered), URL.parse(sent)]
  if (!a || !b) return 'other'
  if (a.protocol !== b.protocol) return 'scheme'
  if (a.hostname !== b.hostname) return 'host'
  if (a.port !== b.port) return 'port'
  return a.pathname === b.pathname ? 'query' : 'other'
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text // a stray per cent sign
  }
}
