import { domainToASCII } from 'node:url'

const atom = "[a-z0-9!#$%&'*+/=?^_`{|}~-]+"
const localPart = new RegExp(`^${atom}(?:\\.${atom})*$`)
const label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
// The last label has a letter: an address literal is no domain.
const domain = new RegExp(`^(?:${label}\\.)*(?=[^.]*[a-z])${label}$`)

/**
 * One mailbox in its only stored form, or null. Normalised first, judged after (a check before
 * normalising can be passed by what normalises into something else): trimmed, lower-case, domain in
 * ASCII. Refused: lists, quoted local parts, comments, control characters, characters that merely
 * look like `@`, local parts outside ASCII, address literals.
 *
 * Lower-casing the local part goes beyond RFC 5321 section 2.4; no mail host in use tells `A@` from
 * `a@`, and two accounts that differ by case are always a mistake.
 */
export function canonicalEmail(text: string): string | null {
  const address = text.trim()
  const at = address.lastIndexOf('@')
  if (at < 1 || address.indexOf('@') !== at || address.length > 254) return null
  // NFC and toLowerCase turn some letters outside ASCII into it (U+212A to k): ASCII is asked for first.
  const rawLocal = address.slice(0, at)
  if (!/^[\x21-\x7e]+$/.test(rawLocal)) return null
  const local = rawLocal.toLowerCase()
  const rawDomain = address.slice(at + 1).normalize('NFC')
  if (!/^[\p{L}\p{N}\p{M}.-]+$/u.test(rawDomain)) return null
  const host = domainToASCII(rawDomain)
  if (local.length > 64 || !localPart.test(local)) return null
  if (host.length > 253 || !domain.test(host)) return null
  const canonical = `${local}@${host}`
  return canonical.length <= 254 ? canonical : null
}
