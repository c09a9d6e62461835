import { hash } from 'node:crypto'

const blockBytes = 64
const digestBytes = 32
const shortBytes = 512

/**
 * HMAC-SHA-256 (RFC 2104) under one key of at most 64 bytes, made of one-shot hashes: an Hmac object
 * costs twice as much, and the collector has to finish each one.
 */
export function hmacSha256(key: Buffer): {
  (text: string, encoding: 'base64url'): string
  (text: string, encoding: 'buffer'): Buffer
} {
  if (key.length > blockBytes) throw new RangeError('the key is longer than a block')
  const inner = Buffer.alloc(blockBytes + shortBytes, 0x36)
  const outer = Buffer.alloc(blockBytes + digestBytes, 0x5c)
  for (const [at, byte] of key.entries()) {
    inner[at] = byte ^ 0x36
    outer[at] = byte ^ 0x5c
  }
  const head = inner.subarray(0, blockBytes)
  // Never both at once: nothing here waits.
  const before = (text: string): Buffer => {
    if (text.length * 3 > shortBytes) return Buffer.concat([head, Buffer.from(text)])
    return inner.subarray(0, blockBytes + inner.write(text, blockBytes))
  }
  return ((text: string, encoding: 'base64url' | 'buffer') => {
    outer.write(hash('sha256', before(text), 'latin1'), blockBytes, 'latin1')
    return hash('sha256', outer, encoding)
  }) as ReturnType<typeof hmacSha256>
}

/** HKDF-SHA-256 (RFC 5869) of one block, 32 bytes, with salt and info fixed. */
export function hkdfSha256(salt: string, info: string): (secret: string) => Buffer {
  const extract = hmacSha256(Buffer.from(salt))
  return (secret) => hmacSha256(extract(secret, 'buffer'))(`${info}\u0001`, 'buffer')
}
