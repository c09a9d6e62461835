/**
 * Help: articles for every task and every error code, in both languages, with a search that needs
 * no other service. Texts live in `messages/{en,zh}/help/`; a missing one does not compile.
 *
 * Neighbours: platform only. What it does not do: the status of somebody's case (see trust).
 */
import { help as enHelp, type HelpArticle, type HelpSlug } from '../../messages/en/help.ts'
import { type Locale, locales } from '../../messages/messages.ts'
import { help as zhHelp } from '../../messages/zh/help.ts'
import { codesOf } from './codes.ts'
import { related } from './related.ts'
import { createIndex, type SearchIndex } from './search.ts'

export { helpRoutes } from './routes.ts'

const articles: Record<Locale, Record<HelpSlug, HelpArticle>> = { en: enHelp, zh: zhHelp }
const slugs = Object.keys(related) as HelpSlug[] // related is complete by its type

export type Article = {
  slug: HelpSlug
  title: string
  summary: string
  body: string
  related: readonly HelpSlug[]
}

export type Help = {
  /** Best first; everything in reading order when `query` is empty. */
  search(query: string, locale: Locale): Pick<Article, 'slug' | 'title' | 'summary'>[]
  find(slug: string, locale: Locale): Article | null
}

export function createHelp(config: { origin: string; keyPrefix: string }): Help {
  const fill = (text: string) =>
    text
      .replaceAll('{origin}', config.origin)
      .replaceAll('{api_base}', `${config.origin}/v1`)
      .replaceAll('{key_prefix}', config.keyPrefix)
  const indexes = new Map<Locale, SearchIndex<HelpSlug>>() // made at the first search
  const indexFor = (locale: Locale) => {
    const made = indexes.get(locale) ?? createIndex(slugs.map((slug) => documentOf(slug, locale)))
    indexes.set(locale, made)
    return made
  }
  const brief = (slug: HelpSlug, locale: Locale) => {
    const { title, summary } = articles[locale][slug]
    return { slug, title, summary }
  }
  return {
    search: (query, locale) =>
      (query.trim() === '' ? slugs : indexFor(locale).search(query, 20)).map((slug) =>
        brief(slug, locale),
      ),
    find(slug, locale) {
      if (!isSlug(slug)) return null
      const body = fill(articles[locale][slug].body.join('\n'))
      return { ...brief(slug, locale), body, related: related[slug] }
    },
  }
}

const isSlug = (text: string): text is HelpSlug => Object.hasOwn(related, text)

/** Error codes lead to their article in either language, and so do the English words of a title. */
function documentOf(slug: HelpSlug, locale: Locale) {
  const { title, summary, body } = articles[locale][slug]
  const others = locales.filter((one) => one !== locale).map((one) => articles[one][slug].title)
  return {
    id: slug,
    parts: [
      { text: title, weight: 8 },
      { text: codesOf(slug).join(' '), weight: 6 },
      { text: slug, weight: 4 },
      { text: summary, weight: 4 },
      { text: others.join(' '), weight: 2 },
      { text: body.join('\n'), weight: 1 },
    ],
  }
}
