/** An instant as every language reads it. */
export const when = (at: number): string =>
  new Date(at)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, ' UTC')

/** How long until then, in the largest unit that fits. */
export function distance(ms: number): { value: number; unit: 's' | 'min' | 'h' | 'd' } {
  const seconds = Math.max(0, Math.round(ms / 1_000))
  if (seconds < 120) return { value: seconds, unit: 's' }
  if (seconds < 7_200) return { value: Math.round(seconds / 60), unit: 'min' }
  if (seconds < 172_800) return { value: Math.round(seconds / 3_600), unit: 'h' }
  return { value: Math.round(seconds / 86_400), unit: 'd' }
}
