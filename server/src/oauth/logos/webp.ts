import type { Picture, Unreadable } from './image.ts'

type Size = { width: number; height: number }

/** What draws (RFC 9649 section 2); colour profile, Exif, XMP and whatever is unknown are left out. */
const kept = new Set(['VP8 ', 'VP8L', 'VP8X', 'ALPH'])
const flag = { animation: 0x02, xmp: 0x04, exif: 0x08, alpha: 0x10, icc: 0x20 }

/** A RIFF file that ends where it says; one still picture in it. */
export function readWebp(bytes: Buffer): Picture | Unreadable {
  if (bytes.readUInt32LE(4) + 8 !== bytes.length || bytes.length % 2 !== 0) return 'broken'
  const out: Buffer[] = []
  let canvas: Size | null = null
  let drawn: Size | null = null
  for (let at = 12; at < bytes.length; ) {
    const type = bytes.toString('latin1', at, at + 4)
    const length = bytes.readUInt32LE(at + 4)
    const data = bytes.subarray(at + 8, at + 8 + length)
    const end = at + 8 + length + (length % 2)
    if (data.length !== length || end > bytes.length) return 'broken'
    if (type === 'ANIM' || type === 'ANMF') return 'animated'
    let chunk = bytes.subarray(at, end)
    if (type === 'VP8X') {
      if (at !== 12 || length !== 10) return 'broken'
      const flags = data.readUInt8(0)
      if (flags & flag.animation) return 'animated'
      canvas = { width: data.readUIntLE(4, 3) + 1, height: data.readUIntLE(7, 3) + 1 }
      chunk = Buffer.from(chunk)
      chunk.writeUInt8(flags & flag.alpha, 8)
    }
    if (type === 'VP8 ' || type === 'VP8L') {
      if (drawn) return 'broken'
      drawn = type === 'VP8 ' ? lossySize(data) : losslessSize(data)
      if (!drawn) return 'broken'
    }
    if (at === 12 && !/^VP8[ LX]$/.test(type)) return 'broken'
    if (kept.has(type)) out.push(chunk)
    at = end
  }
  if (!drawn || (canvas && (canvas.width !== drawn.width || canvas.height !== drawn.height)))
    return 'broken'
  const body = Buffer.concat(out)
  const head = Buffer.from(bytes.subarray(0, 12))
  head.writeUInt32LE(body.length + 4, 4)
  return { ...drawn, bytes: Buffer.concat([head, body]) }
}

/** A key frame's header (RFC 6386 section 9.1). */
function lossySize(data: Buffer): Size | null {
  const isKeyFrame = (data.readUInt8(0) & 1) === 0
  if (!isKeyFrame || data.readUIntBE(3, 3) !== 0x9d012a) return null
  return { width: data.readUInt16LE(6) & 0x3fff, height: data.readUInt16LE(8) & 0x3fff }
}

/** RFC 9649 section 3.4: a signature byte, then 14 bits each. */
function losslessSize(data: Buffer): Size | null {
  if (data.readUInt8(0) !== 0x2f) return null
  const bits = data.readUInt32LE(1)
  return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 }
}
