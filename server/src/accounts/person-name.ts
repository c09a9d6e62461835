/**
 * A name as people write it, in any script: NFC, single spaces, 1 to 100 characters. Null for what
 * is empty, too long, or holds control, bidi or invisible characters.
 */
export function personName(text: string): string | null {
  const name = text.normalize('NFC').trim().replaceAll(/ +/g, ' ')
  const length = [...name].length
  if (length < 1 || length > 100) return null
  // U+200C and U+200D join letters in several scripts and stay allowed.
  if (
    /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]/u.test(name)
  )
    return null
  return /[\p{L}\p{N}]/u.test(name) ? name : null
}
