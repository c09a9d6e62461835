/**
 * Words to look for in a text: Latin words in lower case, `snake_case` codes whole and in parts,
 * and for Chinese, which has no spaces, each pair of neighbouring characters (a single one alone).
 */
export function terms(text: string): string[] {
  const found: string[] = []
  const normal = text.normalize('NFKC').toLowerCase()
  for (const [word] of normal.matchAll(/[a-z0-9][a-z0-9_.]*[a-z0-9]|[a-z0-9]/g)) {
    found.push(word)
    if (/[_.]/.test(word)) found.push(...word.split(/[_.]+/).filter((part) => part.length > 1))
  }
  for (const [run] of normal.matchAll(/\p{Script=Han}+/gu)) {
    const characters = [...run]
    if (characters.length === 1) found.push(run)
    for (let at = 0; at + 1 < characters.length; at++)
      found.push(`${characters[at]}${characters[at + 1]}`)
  }
  return found
}

/** Words that say nothing about what somebody looks for. */
const fillers = new Set(
  'a an and are as at be by can do does for from how i in is it my not of on or the to what when why with you your'.split(
    ' ',
  ),
)

/** How much a hit in a part of a document is worth. */
export type Part = { text: string; weight: number }

export type SearchIndex<Id extends string> = { search(query: string, limit: number): Id[] }

/**
 * A small index in memory, for tens of documents. Rare terms count more than common ones, repeated
 * ones less each time; a Latin term also finds words that begin with it. Best first; a document that
 * matches less than half of the query's terms is left out.
 */
export function createIndex<Id extends string>(
  documents: readonly { id: Id; parts: readonly Part[] }[],
): SearchIndex<Id> {
  const weights = documents.map(({ id, parts }) => {
    const byTerm = new Map<string, number>()
    for (const { text, weight } of parts)
      for (const [term, count] of counts(terms(text)))
        byTerm.set(term, (byTerm.get(term) ?? 0) + weight * (1 + Math.log(count)))
    return { id, byTerm }
  })
  const valueIn = (byTerm: ReadonlyMap<string, number>, term: string): number => {
    const exact = byTerm.get(term) ?? 0
    if (term.length < 3 || !/^[a-z]/.test(term)) return exact
    let longer = 0
    for (const [word, value] of byTerm)
      if (word !== term && word.startsWith(term)) longer = Math.max(longer, value * 0.8)
    return exact + longer
  }
  return {
    search(query, limit) {
      const wanted = [...new Set(terms(query))].filter((term) => !fillers.has(term))
      if (wanted.length === 0) return []
      const values = weights.map(({ byTerm }) => wanted.map((term) => valueIn(byTerm, term)))
      const rarity = wanted.map((_, at) => {
        const holders = values.filter((row) => (row[at] ?? 0) > 0).length
        return Math.log(1 + documents.length / Math.max(1, holders))
      })
      return weights
        .map(({ id }, row) => {
          const hits = values[row] ?? []
          const matched = hits.filter((value) => value > 0).length
          const score = hits.reduce((sum, value, at) => sum + value * (rarity[at] ?? 0), 0)
          return { id, score: matched * 2 >= wanted.length ? score * (matched / wanted.length) : 0 }
        })
        .filter(({ score }) => score > 0)
        .sort((a, b) => b.score - a.score)
        .slice(0, limit)
        .map(({ id }) => id)
    },
  }
}

function counts(list: readonly string[]): Map<string, number> {
  const result = new Map<string, number>()
  for (const term of list) result.set(term, (result.get(term) ?? 0) + 1)
  return result
}
