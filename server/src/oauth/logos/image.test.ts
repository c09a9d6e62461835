import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { jpeg, png, pngChunk, webpLossless, webpLossy } from '../../../../test/harness/pictures.ts'
import { logoBytesMax, readLogo } from './image.ts'

const pictures = { png: png(24, 16), jpeg, webpLossy, webpLossless }

const reasonOf = (bytes: Buffer) => {
  const read = readLogo(bytes)
  return read.ok ? null : read.reason
}
const edited = (bytes: Buffer, at: number, ...values: number[]) => {
  const copy = Buffer.from(bytes)
  copy.set(values, at)
  return copy
}
/** A WebP of these chunks. */
const riff = (...chunks: [type: string, data: Buffer][]) => {
  const body = Buffer.concat(
    chunks.flatMap(([type, data]) => {
      const length = Buffer.alloc(4)
      length.writeUInt32LE(data.length)
      return [Buffer.from(type, 'latin1'), length, data, Buffer.alloc(data.length % 2)]
    }),
  )
  const head = Buffer.from('RIFF\0\0\0\0WEBP', 'latin1')
  head.writeUInt32LE(body.length + 4, 4)
  return Buffer.concat([head, body])
}

test('PNG, JPEG and both kinds of WebP are read with their size and true type', () => {
  const found = Object.values(pictures).map((bytes) => {
    const read = readLogo(bytes)
    return read.ok && [read.image.mediaType, read.image.width, read.image.height]
  })
  assert.deepEqual(found, [
    ['image/png', 24, 16],
    ['image/jpeg', 24, 16],
    ['image/webp', 24, 16],
    ['image/webp', 24, 16],
  ])
})

test('what does not draw is left out, and what is left is a picture again', () => {
  const secret = Buffer.from('GPS 52.52 13.40')
  const tagged = {
    png: png(24, 16, { extra: [pngChunk('tEXt', secret), pngChunk('eXIf', secret)] }),
    jpeg: Buffer.concat([
      jpeg.subarray(0, 2),
      Buffer.from([0xff, 0xe1, 0, secret.length + 2]),
      secret,
      Buffer.from([0xff, 0xfe, 0, secret.length + 2]),
      secret,
      jpeg.subarray(2),
    ]),
    webp: riff(
      ['VP8X', Buffer.from([0x2c, 0, 0, 0, 23, 0, 0, 15, 0, 0])],
      ['ICCP', secret],
      ['VP8L', webpLossless.subarray(webpLossless.indexOf('VP8L') + 8, -1)],
      ['EXIF', secret],
      ['XMP ', secret],
    ),
  }
  for (const [name, bytes] of Object.entries(tagged)) {
    assert.ok(bytes.includes(secret))
    const read = readLogo(bytes)
    assert.ok(read.ok, `${name}: ${!read.ok && read.reason}`)
    assert.ok(!read.image.bytes.includes(secret), name)
    const again = readLogo(read.image.bytes)
    assert.ok(again.ok && again.image.bytes.equals(read.image.bytes), name)
  }
  const profiled = readLogo(jpeg)
  assert.ok(profiled.ok && !profiled.image.bytes.includes('ICC_PROFILE'))
})

test('anything but a picture is refused, whatever it calls itself', () => {
  const others: Record<string, string | Buffer> = {
    nothing: '',
    short: '\x89PNG',
    svg: '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    html: '<!doctype html><script>alert(1)</script>',
    gif: 'GIF89a\x01\x00\x01\x00\x00\x00\x00;............',
    pdf: '%PDF-1.7 ....................',
    icon: Buffer.from([0, 0, 1, 0, ...Array.from({ length: 60 }, () => 0)]),
    'a wave file': 'RIFF\x24\0\0\0WAVEfmt ................',
  }
  for (const [name, bytes] of Object.entries(others))
    assert.equal(reasonOf(Buffer.from(bytes as string, 'latin1')), 'not_a_picture', name)
})

test('nothing rides along behind a picture, inside it, or in its place', () => {
  const page = Buffer.from('<script>alert(1)</script>.')
  for (const [name, bytes] of Object.entries(pictures))
    assert.equal(reasonOf(Buffer.concat([bytes, page])), 'broken', name)
  const broken: Record<string, Buffer> = {
    'a wrong checksum': edited(pictures.png, 16, 0xff),
    'no pixels': Buffer.concat([pictures.png.subarray(0, 33), pngChunk('IEND')]),
    'no header': Buffer.concat([pictures.png.subarray(0, 8), pngChunk('IEND')]),
    'two headers': png(24, 16, { extra: [pictures.png.subarray(8, 33)] }),
    'an unknown part that draws': png(24, 16, { extra: [pngChunk('EVIL', page)] }),
    'a palette that is missing': png(24, 16, { header: [8, 3, 0, 0, 0] }),
    'a depth that is none': png(24, 16, { header: [7, 2, 0, 0, 0] }),
    'a compression that is none': png(24, 16, { header: [8, 2, 1, 0, 0] }),
    'a chunk longer than the file': edited(pictures.png, 33, 0x7f, 0xff, 0xff, 0xff),
    'a JPEG without a frame': Buffer.concat([jpeg.subarray(0, 20), Buffer.from([0xff, 0xd9])]),
    'a segment longer than the file': edited(jpeg, 4, 0xff, 0xff),
    'a JPEG that never ends': jpeg.subarray(0, -2),
    'another size of file': edited(webpLossy, 4, 0),
    'a canvas of another size': edited(webpLossy, 24, 99),
    'two pictures': riff(
      ['VP8L', Buffer.from([0x2f, 23, 0xc0, 3, 0])],
      ['VP8L', Buffer.from([0x2f, 23, 0xc0, 3, 0])],
    ),
    'no picture': riff(['VP8X', Buffer.from([0, 0, 0, 0, 23, 0, 0, 15, 0, 0])]),
    'a signature that is wrong': riff(['VP8L', Buffer.from([0x2e, 23, 0xc0, 3, 0])]),
  }
  for (const [name, bytes] of Object.entries(broken)) assert.equal(reasonOf(bytes), 'broken', name)
})

test('what moves, is too heavy, too small or too large is refused by that name', () => {
  const control = Buffer.alloc(8)
  assert.equal(reasonOf(png(24, 16, { extra: [pngChunk('acTL', control)] })), 'animated')
  assert.equal(reasonOf(edited(webpLossy, 20, 0x02)), 'animated')
  assert.equal(reasonOf(Buffer.concat([jpeg, Buffer.alloc(logoBytesMax)])), 'too_large')
  assert.equal(reasonOf(png(15, 32)), 'wrong_size')
  assert.equal(reasonOf(png(16, 1_025)), 'wrong_size')
  assert.equal(reasonOf(png(16, 1_024)), null)
  assert.equal(reasonOf(edited(png(), 16, 0, 0, 0, 0)), 'broken')
})

test('no bytes make the reader throw, however a picture is cut or changed', () => {
  const all = Object.values(pictures)
  for (const bytes of all)
    for (let length = 0; length < bytes.length; length++) reasonOf(bytes.subarray(0, length))
  fc.assert(
    fc.property(fc.constantFrom(...all), fc.nat(), fc.nat(255), (bytes, at, value) => {
      reasonOf(edited(bytes, at % bytes.length, value))
    }),
    { numRuns: 2_000 },
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void reasonOf(Buffer.from(bytes))),
  )
})
