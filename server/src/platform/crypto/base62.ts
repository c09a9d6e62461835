const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** Big-endian base 62 of `bytes`, left-padded with `0` to `width` characters. */
export function base62(bytes: Uint8Array, width: number): string {
  let value = 0n
  for (const byte of bytes) value = (value << 8n) | BigInt(byte)
  let text = ''
  while (value > 0n) {
    text = alphabet.charAt(Number(value % 62n)) + text
    value /= 62n
  }
  return text.padStart(width, '0')
}

/** Base 62 of an unsigned 32-bit number in six characters (62^6 > 2^32). */
export function base62OfUint32(value: number): string {
  let rest = value >>> 0
  let text = ''
  for (let i = 0; i < 6; i++) {
    text = alphabet.charAt(rest % 62) + text
    rest = Math.floor(rest / 62)
  }
  return text
}
