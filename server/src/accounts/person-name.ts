import { unseen } from '#platform/http/label.ts'

/**
 * A name as people write it, in any script: NFC, single spaces, 1 to 100 characters. Null for what
 * is empty, too long, or holds control, bidi or invisible characters.
 */
export function personName(text: string): string | null {
  const name = text.normalize('NFC').trim().replaceAll(/ +/g, ' ')
  const length = [...name].length
  if (length < 1 || length > 100) return null
  if (unseen.test(name)) return null
  return /[\p{L}\p{N}]/u.test(name) ? name : null
}
