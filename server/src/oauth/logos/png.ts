import { crc32 } from 'node:zlib'
import type { Picture, Unreadable } from './image.ts'

/** What draws, and how its colours are meant (PNG, third edition, section 5.6). The rest is left out. */
const kept = new Set(['IHDR', 'PLTE', 'tRNS', 'gAMA', 'cHRM', 'sRGB', 'IDAT', 'IEND'])
const animation = new Set(['acTL', 'fcTL', 'fdAT'])
/** Which bit depths each colour type may have (section 11.2.1). */
const depths: Record<number, readonly number[]> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
}

/** Chunk by chunk: length, type, data, checksum; IHDR first, IEND last and at the very end. */
export function readPng(bytes: Buffer): Picture | Unreadable {
  const out = [bytes.subarray(0, 8)]
  let [width, height, colour] = [0, 0, -1]
  let before = ''
  let [palette, pixels] = [false, false]
  for (let at = 8; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at)
    const type = bytes.toString('latin1', at + 4, at + 8)
    const data = at + 8
    const end = data + length + 4
    if (end > bytes.length || !/^[A-Za-z]{4}$/.test(type)) return 'broken'
    if (crc32(bytes.subarray(at + 4, data + length)) !== bytes.readUInt32BE(data + length))
      return 'broken'
    if ((type === 'IHDR') !== (before === '')) return 'broken'
    if (animation.has(type)) return 'animated'
    if (type === 'IHDR') {
      if (length !== 13) return 'broken'
      width = bytes.readUInt32BE(data)
      height = bytes.readUInt32BE(data + 4)
      colour = bytes.readUInt8(data + 9)
      const depth = bytes.readUInt8(data + 8)
      const [compression, filter, interlace] = bytes.subarray(data + 10, data + 13)
      if (!depths[colour]?.includes(depth)) return 'broken'
      if (compression !== 0 || filter !== 0 || (interlace ?? 2) > 1) return 'broken'
    }
    // A capital first letter: whoever does not know it cannot draw the picture (section 5.4).
    if (!kept.has(type) && /^[A-Z]/.test(type)) return 'broken'
    if (type === 'IDAT' && pixels && before !== 'IDAT') return 'broken'
    if (type === 'PLTE' && (palette || pixels || length % 3 !== 0 || length > 768)) return 'broken'
    palette ||= type === 'PLTE'
    pixels ||= type === 'IDAT'
    before = type
    if (kept.has(type)) out.push(bytes.subarray(at, end))
    if (type === 'IEND') {
      const whole = length === 0 && end === bytes.length && pixels
      if (!whole || (colour === 3 && !palette)) return 'broken'
      return { width, height, bytes: Buffer.concat(out) }
    }
    at = end
  }
  return 'broken'
}
