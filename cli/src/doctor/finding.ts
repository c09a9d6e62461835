/** One thing that was looked at. `what` is for people and never holds a secret. */
export type Observation = { part: string; result: 'ok' | 'warn' | 'fail'; what: string }

export type Finding = Observation & {
  side: 'client' | 'server'
  /** What to do about it; null where nothing is to be done, or `what` says it. */
  next: string | null
}
