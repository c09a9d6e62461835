export const locales = ['en', 'zh'] as const
export type Locale = (typeof locales)[number]

const storageName = 'latchkey.locale'

const isLocale = (value: unknown): value is Locale => locales.includes(value as Locale)

/** What the person chose here, else what the browser prefers, else English. */
function initialLocale(): Locale {
  const chosen = readStored()
  if (chosen) return chosen
  for (const tag of navigator.languages) {
    const language = tag.toLowerCase().split('-')[0]
    if (isLocale(language)) return language
  }
  return 'en'
}

function readStored(): Locale | null {
  try {
    const stored = localStorage.getItem(storageName)
    return isLocale(stored) ? stored : null
  } catch {
    return null // storage switched off: the choice lives as long as the page
  }
}

let locale: Locale = initialLocale()

export const currentLocale = (): Locale => locale
export const hasChosenLocale = (): boolean => readStored() !== null

/** Shows this language as long as the page lives, without calling it the person's choice. */
export function followLocale(next: Locale): void {
  locale = next
}

/** The person chose this language here; it stays chosen in this browser. */
export function rememberLocale(next: Locale): void {
  locale = next
  try {
    localStorage.setItem(storageName, next)
  } catch {
    // storage switched off: see above
  }
}

/** The BCP 47 tag for `lang` attributes and Intl. */
export const languageTag = (of: Locale): string => (of === 'zh' ? 'zh-CN' : 'en')
