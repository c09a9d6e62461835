import type { Place } from '../src/platform/places/places.ts'
import type { Locale } from './messages.ts'

const countries: Record<Locale, Intl.DisplayNames> = {
  en: new Intl.DisplayNames('en-GB', { type: 'region' }),
  zh: new Intl.DisplayNames('zh-CN', { type: 'region' }),
}

const others = {
  en: { private: 'private network', unknown: 'place unknown' },
  zh: { private: '内部网络', unknown: '地点未知' },
} as const

/** A place as a mail tells it. */
export const placeName = (locale: Locale, place: Place): string =>
  place.kind === 'country'
    ? (countries[locale].of(place.country) ?? place.country)
    : others[locale][place.kind]
