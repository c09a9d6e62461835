/**
 * One thing the protocol engine keeps: a code, a refresh token, a transaction. Its value is known
 * here as a keyed digest only, and `payload` is sealed, so that the database alone redeems nothing.
 */
export type Artifact = {
  model: string
  idDigest: string
  accountId: string | null
  clientId: string | null
  grantId: string | null
  sessionUid: string | null
  uid: string | null
  userCodeDigest: string | null
  payload: string
  createdAt: number
  expiresAt: number | null
  consumedAt: number | null
}

/** Who has claimed an artifact: one session of one account. */
export type Holder = { accountId: string; sessionUid: string }

/** An answer to repeat, sealed, and until when (milliseconds). */
export type KeptReplay = { sealed: string; until: number }

/** Times are milliseconds; whatever has expired at `now` is not found. */
export type ArtifactStore = {
  /** Writes or replaces; what was consumed stays consumed. */
  put(artifact: Artifact): Promise<void>
  /** Writes once: false when the id is taken. Replay detection stands on it. */
  putOnce(artifact: Artifact): Promise<boolean>
  find(model: string, idDigest: string, now: number): Promise<Artifact | null>
  findByUid(model: string, uid: string, now: number): Promise<Artifact | null>
  findByUserCode(model: string, digest: string, now: number): Promise<Artifact | null>
  /** Of any number of simultaneous callers exactly one gets true. */
  consume(model: string, idDigest: string, now: number): Promise<boolean>
  /**
   * Takes `used` out of use and puts `next` in its place, both or neither; `replay` stays with `used`.
   * Of any number of simultaneous callers exactly one gets true, and none once the grant has ended.
   */
  rotate(
    used: { model: string; idDigest: string },
    replay: KeptReplay | null,
    next: Artifact,
    now: number,
  ): Promise<boolean>
  keepReplay(model: string, idDigest: string, replay: KeptReplay): Promise<void>
  /** What is kept and may be repeated at `now`, sealed. */
  findReplay(model: string, idDigest: string, now: number): Promise<string | null>
  /** Removes at most `limit` replays that may no more be repeated; returns how many. */
  dropReplays(now: number, limit: number): Promise<number>
  /** Binds an artifact to an account once; true when it is, or already was, this account's. */
  bind(model: string, idDigest: string, accountId: string): Promise<boolean>
  /**
   * Ties one that waits to an account's session, once: true when it is, or already was, theirs. False
   * for anybody else, and for what has expired, was consumed or was settled.
   */
  claim(model: string, idDigest: string, holder: Holder, now: number): Promise<boolean>
  /**
   * Writes the outcome of one that `holder` has claimed, once; its user code then finds it no more.
   * Of any number of simultaneous callers exactly one gets true.
   */
  settle(
    model: string,
    idDigest: string,
    holder: Holder,
    outcome: { payload: string; grantId: string | null },
    now: number,
  ): Promise<boolean>
  remove(model: string, idDigest: string): Promise<void>
  /**
   * Everything of these grants is gone. Refresh tokens that were not used up leave their name behind,
   * with an empty payload that opens nothing: a refusal can then say why.
   */
  retire(grantIds: readonly string[], now: number): Promise<void>
  /** Which grant it belongs to, also when it has expired or its grant has ended. */
  grantOf(model: string, idDigest: string): Promise<string | null>
  /** Like `retire` for a whole account, at most `limit` rows; returns how many, 0 when all is done. */
  retireAccount(accountId: string, limit: number, now: number): Promise<number>
  /** Deletes at most `limit` rows that have expired, of `kept` models only `keptMs` later; returns how many. */
  sweep(now: number, limit: number, kept: readonly string[], keptMs: number): Promise<number>
}
