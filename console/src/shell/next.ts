/**
 * An own path to go on to, or `/`. Anything that a browser could read as another origin (`//host`,
 * backslashes, control characters, other schemes) is not a path of ours.
 */
export function ownPath(next: string | undefined, origin: string): string {
  if (!next?.startsWith('/') || /[\\\p{Cc}]/u.test(next)) return '/'
  try {
    const url = new URL(next, origin)
    if (url.origin !== origin || next.startsWith('//')) return '/'
    return url.pathname + url.search + url.hash
  } catch {
    return '/'
  }
}
