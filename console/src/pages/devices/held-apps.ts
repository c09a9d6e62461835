type Held = { client_name: string; renews_until: string | null }

/**
 * Each app once, however often it was allowed on this device, in the order they came; with the last
 * moment until which it goes on by itself, null where it does not.
 */
export function heldApps(grants: readonly Held[]): Held[] {
  const apps = new Map<string, Held>()
  for (const { client_name, renews_until } of grants) {
    const known = apps.get(client_name)?.renews_until ?? null
    const later = known === null || (renews_until !== null && renews_until > known)
    apps.set(client_name, { client_name, renews_until: later ? renews_until : known })
  }
  return [...apps.values()]
}
