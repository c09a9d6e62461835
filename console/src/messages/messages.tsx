import { createContext, type ReactNode, useContext, useEffect, useState } from 'react'
import type { en } from './en.ts'
import { type Format, formatFor } from './format.ts'
import { currentLocale, followLocale, type Locale, languageTag, rememberLocale } from './locale.ts'

/** English is the shape; any other catalogue with a missing or extra entry does not compile. */
export type Messages = typeof en

const catalogues: Record<Locale, () => Promise<Messages>> = {
  en: async () => (await import('./en.ts')).en,
  zh: async () => (await import('./zh.ts')).zh,
}

export const loadMessages = (locale: Locale): Promise<Messages> => catalogues[locale]()

type Language = {
  m: Messages
  format: Format
  locale: Locale
  /** Loads the catalogue and switches the whole page; what was `chosen` is kept in this browser. */
  switchTo(locale: Locale, how: 'chosen' | 'followed'): Promise<void>
}

const LanguageContext = createContext<Language | null>(null)

export function LanguageProvider(props: { initial: Messages; children: ReactNode }) {
  const [{ m, locale }, show] = useState({ m: props.initial, locale: currentLocale() })
  useEffect(() => {
    document.documentElement.lang = languageTag(locale)
  }, [locale])
  const switchTo = async (next: Locale, how: 'chosen' | 'followed') => {
    const messages = await loadMessages(next)
    if (how === 'chosen') rememberLocale(next)
    else followLocale(next)
    show({ m: messages, locale: next })
  }
  return (
    <LanguageContext.Provider value={{ m, locale, format: formatFor(locale), switchTo }}>
      {props.children}
    </LanguageContext.Provider>
  )
}

export function useLanguage(): Language {
  const language = useContext(LanguageContext)
  if (!language) throw new Error('no language above this component')
  return language
}
