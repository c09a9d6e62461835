const dayMs = 86_400_000

/** Calendar days in UTC, as the server counts them: `YYYY-MM-DD`. */
export const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10)
export const today = (): string => dayOf(Date.now())
export const daysAgo = (days: number): string => dayOf(Date.now() - days * dayMs)
