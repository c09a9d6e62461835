import { constants } from 'node:fs'
import { chmod, link, open, readFile, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Random } from '#platform/ids/ids.ts'
import { Secret } from './secret.ts'

/**
 * The installation's root key: 32 random bytes in `<data>/root.key`, base64, mode 0600, made at the
 * first start. Losing it makes every API key, sealed value and session unverifiable, so back it up
 * apart from the database.
 *
 * Two processes that start together agree: the file appears complete under its name by `link`, and
 * the loser reads the winner's.
 */
export async function loadRootKey(dataDir: string, random: Random): Promise<Secret<Buffer>> {
  const path = join(dataDir, 'root.key')
  const existing = await readRootKey(path)
  if (existing) return existing
  const draft = `${path}.${process.pid}.${random.bytes(4).toString('hex')}`
  const file = await open(draft, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)
  try {
    await file.writeFile(`${random.bytes(32).toString('base64')}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  try {
    await link(draft, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    await unlink(draft)
  }
  const made = await readRootKey(path)
  if (!made) throw new Error(`${path} vanished while starting`)
  await chmod(path, 0o600)
  return made
}

export class BadRootKey extends Error {}

async function readRootKey(path: string): Promise<Secret<Buffer> | null> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  return new Secret(parseRootKey(text, path))
}

/** Exactly 32 bytes of base64; anything else is a damaged key, and starting with it would orphan every key. */
export function parseRootKey(text: string, where: string): Buffer {
  const bytes = Buffer.from(text.trim(), 'base64')
  if (bytes.length !== 32) throw new BadRootKey(`${where} does not hold 32 bytes of base64`)
  return bytes
}
