import { crc32 } from 'node:zlib'

/** A secret of ours in a text. `hint` is all of it that is ever shown. */
export type Sighting = {
  offset: number
  kind: 'api_key' | 'client_secret' | 'registration_token'
  hint: string
}

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const run = /_[0-9A-Za-z]{43,}/g
const prefixMax = 40

/** No sighting is longer: how much of a chunk has to be looked at again with the next. */
export const sightingMax = prefixMax + 50

/**
 * Every API key in `text`: prefix, `_`, 43 base62 and 6 of a CRC-32 of all before. The checksum makes a
 * false alarm a one in four billion matter, whatever prefix the installation uses. Client secrets and
 * registration tokens carry none; they are told by their fixed prefix.
 */
export function* sightings(text: string): Generator<Sighting> {
  for (const { 0: found, index } of text.matchAll(run)) {
    const start = found.length >= 50 ? keyStart(text, index) : null
    if (start !== null) {
      const end = index + 50
      yield { offset: start, kind: 'api_key', hint: hintOf(text.slice(start, end)) }
      continue
    }
    if (found.length !== 44) continue
    for (const [prefix, kind] of fixed) {
      const from = index - prefix.length
      if (from >= 0 && text.startsWith(prefix, from))
        yield { offset: from, kind, hint: hintOf(text.slice(from, index + 44)) }
    }
  }
}

const fixed = [
  ['sk-lk-client', 'client_secret'],
  ['sk-lk-reg', 'registration_token'],
] as const

/** Where the key begins whose `_` is at `underscore`, tried from the longest prefix down; or null. */
function keyStart(text: string, underscore: number): number | null {
  let first = underscore
  while (first > 0 && underscore - first < prefixMax && /[a-z0-9-]/.test(text[first - 1] ?? ''))
    first--
  const end = underscore + 44
  const checksum = text.slice(end, end + 6)
  for (let start = first; start < underscore; start++)
    if (/[a-z]/.test(text[start] ?? '') && base62(crc32(text.slice(start, end))) === checksum)
      return start
  return null
}

function base62(value: number): string {
  let rest = value >>> 0
  let text = ''
  for (let i = 0; i < 6; i++) {
    text = alphabet.charAt(rest % 62) + text
    rest = Math.floor(rest / 62)
  }
  return text
}

/** As the console shows keys: prefix and last four characters. */
const hintOf = (secret: string) => `${secret.slice(0, secret.indexOf('_') + 1)}…${secret.slice(-4)}`
