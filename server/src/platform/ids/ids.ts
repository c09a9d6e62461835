import { randomBytes } from 'node:crypto'
import type { Clock } from '#platform/clock/clock.ts'

/** Randomness comes in as an argument, so that a race can be replayed with a seed. */
export type Random = { bytes(length: number): Buffer }

const poolBytes = 4_096
const pool = { bytes: Buffer.alloc(0), used: 0 }

/** The system's generator, asked for many bytes at once; what is handed out is wiped from the pool. */
export const systemRandom: Random = {
  bytes(length) {
    if (length > poolBytes / 8) return randomBytes(length)
    if (pool.used + length > pool.bytes.length) {
      pool.bytes = randomBytes(poolBytes)
      pool.used = 0
    }
    const taken = pool.bytes.subarray(pool.used, pool.used + length)
    pool.used += length
    const bytes = Buffer.from(taken)
    taken.fill(0)
    return bytes
  },
}

/**
 * Prefixes of loggable handles. A bearer secret never uses one of these: whoever sees `sess_…` in a
 * log holds a name, not a credential.
 */
export type IdPrefix =
  | 'acct'
  | 'apl'
  | 'app'
  | 'aud'
  | 'case'
  | 'chal'
  | 'dec'
  | 'dev'
  | 'evi'
  | 'grant'
  | 'key'
  | 'logout'
  | 'mail'
  | 'org'
  | 'proj'
  | 'req'
  | 'sess'

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz' // Crockford base 32, lower case: sorts as it counts

/**
 * `acct_01k…`: 48 bits of time and 80 random bits, 26 characters. Sortable by creation to the
 * millisecond, so an id doubles as a page cursor and keeps B-tree inserts at the right edge.
 */
export function newId(prefix: IdPrefix, clock: Clock, random: Random): string {
  let time = clock.now()
  let head = ''
  for (let i = 0; i < 10; i++) {
    head = alphabet.charAt(time % 32) + head
    time = Math.floor(time / 32)
  }
  let tail = ''
  // 16 bytes, five bits of each: simple, and uniform because 32 divides 256.
  for (const byte of random.bytes(16)) tail += alphabet.charAt(byte & 31)
  return `${prefix}_${head}${tail}`
}

/** What an id of this kind looks like: a page cursor that is none is a mistake and not the last page. */
export const idPattern = (prefix: IdPrefix): RegExp => new RegExp(`^${prefix}_[${alphabet}]{26}$`)

/** What a room needs to mint ids. */
export type Ids = (prefix: IdPrefix) => string

export const makeIds =
  (clock: Clock, random: Random): Ids =>
  (prefix) =>
    newId(prefix, clock, random)
