import type { Messages } from './en.ts'

export const locales = ['en', 'zh'] as const
export type Locale = (typeof locales)[number]

export const isLocale = (value: unknown): value is Locale => locales.includes(value as Locale)

/** The reader's language as POSIX says it: LC_ALL over LC_MESSAGES over LANG; English else. */
export function localeOf(environment: NodeJS.ProcessEnv): Locale {
  const name = environment.LC_ALL || environment.LC_MESSAGES || environment.LANG || ''
  return /^zh(?:[_.@-]|$)/i.test(name) ? 'zh' : 'en'
}

/** Only the catalogue that is read is loaded. */
export const messagesOf = async (locale: Locale): Promise<Messages> =>
  locale === 'zh' ? (await import('./zh.ts')).zh : (await import('./en.ts')).en
