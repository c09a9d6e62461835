/** As large as it is ever shown, on screens with two or more points a pixel. */
const sideMax = 256
const bytesMax = 64 * 1024

/**
 * A picture of any size and kind that this browser can draw, as a small PNG, or WebP or JPEG where
 * that would be too heavy, in base64; null for anything else. Drawn anew, it is upright and carries
 * nothing but pixels. The server checks for itself what it gets.
 */
export async function readLogoFile(file: File): Promise<string | null> {
  const picture = await createImageBitmap(file).catch(() => null)
  if (!picture) return null
  const scale = Math.min(1, sideMax / Math.max(picture.width, picture.height))
  const canvas = document.createElement('canvas')
  canvas.width = Math.max(1, Math.round(picture.width * scale))
  canvas.height = Math.max(1, Math.round(picture.height * scale))
  const context = canvas.getContext('2d')
  if (!context) return null
  context.imageSmoothingQuality = 'high'
  context.drawImage(picture, 0, 0, canvas.width, canvas.height)
  picture.close()
  let smallest: Blob | null = null
  for (const [type, quality] of [
    ['image/png'],
    ['image/webp', 0.9],
    ['image/jpeg', 0.85],
  ] as const) {
    const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, type, quality))
    if (blob && blob.size < (smallest?.size ?? Number.POSITIVE_INFINITY)) smallest = blob
    if (smallest && smallest.size <= bytesMax) break
  }
  return smallest && base64(new Uint8Array(await smallest.arrayBuffer()))
}

const base64 = (bytes: Uint8Array): string => {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return btoa(text)
}
