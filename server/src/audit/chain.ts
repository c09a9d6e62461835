import { createHash } from 'node:crypto'

/** A line as the table holds it: what is hashed is exactly what is stored. */
export type AuditRow = {
  seq: number
  id: string
  at: number
  actor_kind: 'account' | 'operator' | 'system'
  actor_id: string | null
  actor_name: string
  action: string
  subject_kind: string
  subject_id: string
  subject_name: string
  detail: string
  request_id: string | null
  previous_hash: string
  hash: string
}

/** What the first line follows. */
export const chainStart = '0'.repeat(64)

/**
 * SHA-256 over the line and the hash before it, as JSON with a fixed member order: whoever changes,
 * removes or inserts a line has to change every later one. Cutting off the end is not visible in
 * the chain itself; keep a copy of the last hash elsewhere for that.
 */
export function chainHash(row: Omit<AuditRow, 'hash'>): string {
  const line = [
    row.seq,
    row.id,
    row.at,
    row.actor_kind,
    row.actor_id,
    row.actor_name,
    row.action,
    row.subject_kind,
    row.subject_id,
    row.subject_name,
    row.detail,
    row.request_id,
    row.previous_hash,
  ]
  return createHash('sha256').update(JSON.stringify(line)).digest('hex')
}

/**
 * Control characters and everything that turns or hides text (Unicode bidi controls, invisible
 * format characters) become U+FFFD, so that a name cannot forge or reorder a line when it is read.
 */
export const inert = (text: string): string =>
  text.replaceAll(
    /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/gu,
    '\ufffd',
  )
