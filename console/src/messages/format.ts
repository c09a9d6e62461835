import { type Locale, languageTag } from './locale.ts'

export type Format = {
  number(value: number): string
  /** 12,345,678 → 12.3M. */
  compact(value: number): string
  /** Integer micro-units as money; small amounts keep the digits that matter. */
  money(micros: number): string
  date(at: string | number): string
  dateTime(at: string | number): string
  time(at: string | number): string
  /** A calendar day `YYYY-MM-DD` (UTC, as the server counts), short. */
  day(day: string): string
  /** “3 minutes ago”, “in 2 days”. */
  relative(at: string | number): string
  list(items: readonly string[]): string
  /** ISO 3166-1, two letters, as a name. */
  country(code: string): string
}

const cache = new Map<Locale, Format>()

/** Numbers, money and times in the reader's language; formatters are built once a language. */
export function formatFor(locale: Locale): Format {
  const known = cache.get(locale)
  if (known) return known
  const format = build(languageTag(locale))
  cache.set(locale, format)
  return format
}

function build(tag: string): Format {
  const number = new Intl.NumberFormat(tag)
  const compact = new Intl.NumberFormat(tag, { notation: 'compact', maximumFractionDigits: 1 })
  const usd = (digits: number) =>
    new Intl.NumberFormat(tag, {
      style: 'currency',
      currency: 'USD',
      currencyDisplay: 'narrowSymbol',
      minimumFractionDigits: 2,
      maximumFractionDigits: digits,
    })
  const [coins, fine] = [usd(2), usd(6)]
  const date = new Intl.DateTimeFormat(tag, { dateStyle: 'medium' })
  const dateTime = new Intl.DateTimeFormat(tag, { dateStyle: 'medium', timeStyle: 'short' })
  const time = new Intl.DateTimeFormat(tag, { timeStyle: 'medium' })
  const day = new Intl.DateTimeFormat(tag, { month: 'short', day: 'numeric', timeZone: 'UTC' })
  const relative = new Intl.RelativeTimeFormat(tag, { numeric: 'auto' })
  const country = new Intl.DisplayNames(tag, { type: 'region' })
  const list = new Intl.ListFormat(tag, { type: 'conjunction' })
  return {
    number: (value) => number.format(value),
    compact: (value) => (value < 10_000 ? number.format(value) : compact.format(value)),
    money: (micros) => (micros !== 0 && micros < 100_000 ? fine : coins).format(micros / 1e6),
    date: (at) => date.format(new Date(at)),
    dateTime: (at) => dateTime.format(new Date(at)),
    time: (at) => time.format(new Date(at)),
    day: (text) => day.format(new Date(`${text}T00:00:00Z`)),
    relative(at) {
      const seconds = (new Date(at).getTime() - Date.now()) / 1000
      const [unit, size] = unitFor(Math.abs(seconds))
      return relative.format(Math.trunc(seconds / size), unit)
    },
    list: (items) => list.format(items),
    country: (code) => country.of(code) ?? code,
  }
}

const units: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['year', 31_557_600],
  ['month', 2_629_800],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
]

const unitFor = (seconds: number): readonly [Intl.RelativeTimeFormatUnit, number] =>
  units.find(([, size]) => seconds >= size) ?? ['second', 1]
