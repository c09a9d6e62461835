import { createHmac, timingSafeEqual } from 'node:crypto'
import { type Clock, minute, second } from '#platform/clock/clock.ts'

/**
 * Nonces that the server hands out (RFC 9449 section 8): the moment of issue and a MAC over it. They
 * are the same for everybody and kept nowhere, so every node that has the key knows them all; a
 * proof that carries one was made after it was issued.
 */
export type Nonces = {
  issue(): string
  /** When it was issued, in milliseconds; null when it is none of ours. */
  issuedAt(nonce: string): number | null
}

/** Another node's clock may be ahead of ours. */
const aheadMs = minute

export function serverNonces(key: Buffer, clock: Clock): Nonces {
  const sealed = (at: number): Buffer => {
    const head = Buffer.alloc(6)
    head.writeUIntBE(at, 0, 6)
    return Buffer.concat([head, createHmac('sha256', key).update(head).digest().subarray(0, 16)])
  }
  let latest = { at: 0, text: '' }
  return {
    issue() {
      const now = clock.now()
      if (now < latest.at || now >= latest.at + second)
        latest = { at: now, text: sealed(now).toString('base64url') }
      return latest.text
    },
    issuedAt(nonce) {
      const bytes = Buffer.from(nonce, 'base64url')
      if (bytes.length !== 22 || bytes.toString('base64url') !== nonce) return null
      const at = bytes.readUIntBE(0, 6)
      return at <= clock.now() + aheadMs && timingSafeEqual(bytes, sealed(at)) ? at : null
    },
  }
}
