import { errors as enErrors } from './en/errors.ts'
import { trust as enTrust, type TrustTexts } from './en/trust.ts'
import { errors as zhErrors } from './zh/errors.ts'
import { trust as zhTrust } from './zh/trust.ts'

export const locales = ['en', 'zh'] as const
export type Locale = (typeof locales)[number]

export type ErrorCode = keyof typeof enErrors

const errors = { en: enErrors, zh: zhErrors } as const

export const errorText = (code: ErrorCode, locale: Locale) => errors[locale][code]

const trust = { en: enTrust, zh: zhTrust } as const

export const trustTexts = (locale: Locale): TrustTexts => trust[locale]

export const isLocale = (value: unknown): value is Locale => locales.includes(value as Locale)

/** The better of our two languages for an Accept-Language header (RFC 9110 section 12.5.4); English without one. */
export function preferredLocale(acceptLanguage: string | undefined): Locale {
  let best: { locale: Locale; weight: number } = { locale: 'en', weight: 0 }
  for (const part of (acceptLanguage ?? '').split(',')) {
    const [tag = '', ...parameters] = part.trim().toLowerCase().split(';')
    const locale = tag.split('-')[0]
    const quality = parameters.map((p) => p.trim()).find((p) => p.startsWith('q='))
    const weight = quality ? Number(quality.slice(2)) : 1
    if (isLocale(locale) && weight > best.weight) best = { locale, weight }
  }
  return best.locale
}
