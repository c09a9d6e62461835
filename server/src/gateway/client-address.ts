import type { IncomingMessage } from 'node:http'
import { plainAddress } from '../keys/index.ts'

/**
 * The first address from the right of `X-Forwarded-For` that is not one of our proxies, and only
 * where the connection itself comes from one. What a client writes further left is its own claim.
 */
export function clientAddress(
  req: IncomingMessage,
  isProxy: ((address: string) => boolean) | null,
): string {
  const peer = plainAddress(req.socket.remoteAddress ?? '')
  if (!isProxy?.(peer)) return peer
  const forwarded = String(req.headers['x-forwarded-for'] ?? '')
    .split(',')
    .map((part) => plainAddress(part.trim()))
    .filter((part) => part !== '')
  for (const address of forwarded.reverse()) if (!isProxy(address)) return address
  return peer
}
