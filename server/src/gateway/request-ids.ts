import type { Clock } from '#platform/clock/clock.ts'
import type { Random } from '#platform/ids/ids.ts'

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'
const bytesAtOnce = 4_096

/**
 * `req_…` exactly as `newId` makes them, with randomness drawn for many at once and the time spelled
 * once a millisecond: minting is on the path of every call.
 */
export function requestIds(clock: Clock, random: Random): () => string {
  let pool = random.bytes(bytesAtOnce)
  let used = 0
  let spelledAt = -1
  let head = ''
  return () => {
    const now = clock.now()
    if (now !== spelledAt) {
      spelledAt = now
      head = ''
      for (let i = 0, rest = now; i < 10; i++, rest = Math.floor(rest / 32))
        head = alphabet.charAt(rest % 32) + head
      head = `req_${head}`
    }
    if (used + 16 > pool.length) {
      pool = random.bytes(bytesAtOnce)
      used = 0
    }
    let id = head
    for (const end = used + 16; used < end; used++) id += alphabet[(pool[used] as number) & 31]
    return id
  }
}
