import type { MediaType } from './image.ts'

export type StoredLogo = { digest: string; mediaType: MediaType; bytes: Buffer }

export type LogoStore = {
  /** Puts it in the place of one that is there. */
  set(clientId: string, logo: StoredLogo, now: number): Promise<void>
  /** False when there was none. */
  remove(clientId: string): Promise<boolean>
  find(clientId: string, digest: string): Promise<StoredLogo | null>
}
