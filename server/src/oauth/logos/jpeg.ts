import type { Picture, Unreadable } from './image.ts'

const marker = { tem: 0x01, rst0: 0xd0, rst7: 0xd7, soi: 0xd8, eoi: 0xd9, sos: 0xda, dri: 0xdd }
/** Baseline, extended and progressive, Huffman-coded: what browsers draw (ITU-T T.81 table B.1). */
const frames = new Set([0xc0, 0xc1, 0xc2])
const tables = new Set([0xc4, 0xdb, marker.dri])
/** JFIF and Adobe say how colours are meant; other APPn and comments are left out: Exif, maps, notes. */
const keptApps = new Set([0xe0, 0xee])
const isLeftOut = (code: number) => (code >= 0xe0 && code <= 0xef) || code === 0xfe

/** Segment by segment from SOI to EOI, which is the last byte (ITU-T T.81 section B.1.1). */
export function readJpeg(bytes: Buffer): Picture | Unreadable {
  const out = [bytes.subarray(0, 2)]
  let size: { width: number; height: number } | null = null
  let scans = 0
  for (let at = 2; at < bytes.length; ) {
    if (bytes.readUInt8(at) !== 0xff) return 'broken'
    const code = bytes.readUInt8(at + 1)
    if (code === 0xff) {
      at++ // a fill byte
      continue
    }
    if (code === marker.eoi) {
      if (at + 2 !== bytes.length || !size || scans === 0) return 'broken'
      return { ...size, bytes: Buffer.concat([...out, bytes.subarray(at)]) }
    }
    const length = bytes.readUInt16BE(at + 2)
    let end = at + 2 + length
    if (length < 2 || end > bytes.length) return 'broken'
    if (frames.has(code)) {
      const components = bytes.readUInt8(at + 9)
      if (size || bytes.readUInt8(at + 4) !== 8) return 'broken'
      if ((components !== 1 && components !== 3) || length !== 8 + 3 * components) return 'broken'
      size = { height: bytes.readUInt16BE(at + 5), width: bytes.readUInt16BE(at + 7) }
    } else if (code === marker.sos) {
      if (!size) return 'broken'
      scans++
      end = endOfScan(bytes, end)
    } else if (!tables.has(code) && !isLeftOut(code)) return 'broken'
    if (!isLeftOut(code) || keptApps.has(code)) out.push(bytes.subarray(at, end))
    at = end
  }
  return 'broken'
}

/** Coded data goes on until a marker that is neither a stuffed zero nor a restart. */
function endOfScan(bytes: Buffer, from: number): number {
  for (let at = from; ; at++) {
    if (bytes.readUInt8(at) !== 0xff) continue
    const code = bytes.readUInt8(at + 1)
    if (code !== 0 && code !== 0xff && !(code >= marker.rst0 && code <= marker.rst7)) return at
  }
}
