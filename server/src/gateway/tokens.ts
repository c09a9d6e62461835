import type { ModelPrice } from '../config.ts'

/** Tokens of a call. `cached` are part of `input`. */
export type Tokens = { input: number; cached: number; output: number }

export const noTokens: Tokens = { input: 0, cached: 0, output: 0 }

/** No upstream is believed beyond this; sums stay exact integers. */
const tokensMax = 1_000_000_000

/** Tokens of a text, by rule of thumb: four Latin letters make one, other scripts about one a character. */
export function countTokens(text: string): number {
  let narrow = 0
  let wide = 0
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) < 0x2e80) narrow++
    else wide++
  }
  return Math.ceil(narrow / 4) + wide
}

/** Whole micro-units. Prices are micro-units per million tokens. */
export function costOf(tokens: Tokens, price: ModelPrice | null): number {
  if (!price) return 0
  const plain = (tokens.input - tokens.cached) * price.input
  return Math.round(
    (plain + tokens.cached * price.cachedInput + tokens.output * price.output) / 1_000_000,
  )
}

/**
 * What a server's `usage` object says, in chat's or in responses' words; null when it is none. A
 * reported zero stays zero; nonsense (negative, fractions, text) counts as not reported.
 */
export function readUsage(usage: unknown): Tokens | null {
  if (typeof usage !== 'object' || usage === null) return null
  const u = usage as Record<string, unknown>
  const input = whole(u.prompt_tokens ?? u.input_tokens)
  const output = whole(u.completion_tokens ?? u.output_tokens ?? 0)
  if (input === null || output === null) return null
  const details = (u.prompt_tokens_details ?? u.input_tokens_details) as
    | Record<string, unknown>
    | null
    | undefined
  const cached = whole(details?.cached_tokens ?? 0) ?? 0
  return { input, cached: Math.min(cached, input), output }
}

const whole = (value: unknown): number | null =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= tokensMax
    ? value
    : null

/**
 * The usage of a whole JSON answer. Only the object behind the last `"usage"` is parsed: inside a
 * JSON string the quotes would be escaped, so the name cannot come from a model's words.
 */
export function usageOfAnswer(body: Buffer): Tokens | null {
  const at = body.lastIndexOf('"usage"')
  if (at < 0) return null
  const open = body.indexOf(123 /* { */, at)
  const end = open < 0 || open - at > 16 ? -1 : closing(body, open)
  if (end > 0) {
    const tokens = readUsage(parse(body.toString('latin1', open, end + 1)))
    if (tokens) return tokens
  }
  const whole = parse(body.toString('utf8')) as { usage?: unknown } | null
  return readUsage(whole?.usage)
}

/** Where the object that opens here closes; usage objects hold numbers and names only. */
function closing(body: Buffer, open: number): number {
  let depth = 0
  for (let i = open; i < body.length; i++) {
    const byte = body[i]
    if (byte === 123) depth++
    else if (byte === 125 && --depth === 0) return i
  }
  return -1
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
