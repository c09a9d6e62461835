import { readJpeg } from './jpeg.ts'
import { readPng } from './png.ts'
import { readWebp } from './webp.ts'

export const mediaTypes = ['image/png', 'image/jpeg', 'image/webp'] as const
export type MediaType = (typeof mediaTypes)[number]

export const logoBytesMax = 64 * 1024
export const logoSideMin = 16
export const logoSideMax = 1_024

/** What a reader of one format finds: the picture without what is not a part of it. */
export type Picture = { width: number; height: number; bytes: Buffer }
/** `broken`: begins like a picture of this format and does not go on like one. */
export type Unreadable = 'broken' | 'animated'

export type LogoRefusal = 'too_large' | 'not_a_picture' | 'wrong_size' | Unreadable
export type LogoImage = Picture & { mediaType: MediaType }

const readers: readonly {
  mediaType: MediaType
  begins(bytes: Buffer): boolean
  read(bytes: Buffer): Picture | Unreadable
}[] = [
  {
    mediaType: 'image/png',
    begins: (bytes) => bytes.subarray(0, 8).equals(Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')),
    read: readPng,
  },
  {
    mediaType: 'image/jpeg',
    begins: (bytes) => bytes.readUIntBE(0, 3) === 0xffd8ff,
    read: readJpeg,
  },
  {
    mediaType: 'image/webp',
    begins: (bytes) =>
      bytes.toString('latin1', 0, 4) === 'RIFF' && bytes.toString('latin1', 8, 12) === 'WEBP',
    read: readWebp,
  },
]

/**
 * A PNG, JPEG or WebP by its bytes, never by what somebody calls it. It is read from the first byte
 * to the last, so that nothing else rides along behind or inside it, and is written anew with only
 * the parts that draw: no places and times of a camera, no comments, no frames. Pixels are not
 * decoded here; sides of at most 1,024 keep what a browser has to decode small. No SVG: it is a
 * document that runs scripts and loads from elsewhere.
 */
export function readLogo(
  bytes: Buffer,
): { ok: true; image: LogoImage } | { ok: false; reason: LogoRefusal } {
  if (bytes.length > logoBytesMax) return { ok: false, reason: 'too_large' }
  const reader = bytes.length < 16 ? undefined : readers.find(({ begins }) => begins(bytes))
  if (!reader) return { ok: false, reason: 'not_a_picture' }
  const picture = read(reader.read, bytes)
  if (typeof picture === 'string') return { ok: false, reason: picture }
  const fits = (side: number) => side >= logoSideMin && side <= logoSideMax
  if (!fits(picture.width) || !fits(picture.height)) return { ok: false, reason: 'wrong_size' }
  return { ok: true, image: { ...picture, mediaType: reader.mediaType } }
}

/** Reading past the end is one more way to be broken. */
function read(reader: (bytes: Buffer) => Picture | Unreadable, bytes: Buffer) {
  try {
    return reader(bytes)
  } catch (error) {
    if (error instanceof RangeError) return 'broken'
    throw error
  }
}
