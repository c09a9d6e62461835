import type { Random } from '#platform/ids/ids.ts'

/** When to come back (`refresh_in`, seconds): at 75 % of the life, spread so that a fleet of clients does not come at once. */
export function renewAfter(expiresIn: number, random: Random): number {
  const spread = 0.95 + (random.bytes(1).readUInt8() / 255) * 0.1
  return Math.floor(expiresIn * 0.75 * spread)
}
