/** Who did it: an account for itself, an operator, or the system (a rule, a job). */
export type Actor =
  | { kind: 'account' | 'operator'; id: string; name: string }
  | { kind: 'system'; name: string }

/** One line of the append-only log. Names are copied, so that a line outlives what it speaks of. */
export type AuditEntry = {
  actor: Actor
  /** `room.verb` in the past tense: `key.created`, `account.suspended`, `session.ended`. */
  action: string
  subject: { kind: string; id: string; name: string }
  /** Facts, never secrets; at most a few hundred bytes. */
  detail?: Record<string, unknown>
  requestId?: string
}

export type AuditEvent = AuditEntry & { seq: number; id: string; at: number }

export type Audit = {
  /** Part of the caller's transaction: the act and its line commit together. */
  append(entry: AuditEntry): Promise<void>
  list(query: { subjectId?: string; before?: number; limit: number }): Promise<AuditEvent[]>
  /** Walks the chain from the start; names the first line that does not follow. */
  verify(): Promise<{ ok: true; events: number } | { ok: false; seq: number }>
}
