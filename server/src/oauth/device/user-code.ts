/**
 * What a person types. Eight of twenty consonants make 34.5 bits; no digits and no vowels, so that
 * nothing is taken for something else and no words appear (RFC 8628 section 6.1).
 */
export const userCodeLetters = 'BCDFGHJKLMNPQRSTVWXZ'
export const userCodeMask = '****-****'

/** As the code is stored: any case, spaces and dashes are forgiven. Null for what cannot be a code. */
export function readUserCode(text: string): string | null {
  const letters = text.toUpperCase().replaceAll(/[\s\p{Pd}]/gu, '')
  return /^[BCDFGHJKLMNPQRSTVWXZ]{8}$/.test(letters) ? letters : null
}
