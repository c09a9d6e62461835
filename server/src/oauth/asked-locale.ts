import { isLocale, type Locale } from '../../messages/messages.ts'

/** The first of `ui_locales` that we speak, in the order of the person's wishes; null for none. */
export function askedLocale(uiLocales: string | null | undefined): Locale | null {
  const tags = (uiLocales ?? '').toLowerCase().split(/\s+/)
  return tags.map((tag) => tag.split('-')[0]).find(isLocale) ?? null
}
