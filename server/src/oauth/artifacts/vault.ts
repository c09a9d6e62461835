import type { Clock } from '#platform/clock/clock.ts'
import type { Keyring } from '#platform/crypto/keyring.ts'
import type { Artifact, ArtifactStore, Holder, KeptReplay } from './artifact.ts'

/** What is stored beside the sealed payload, to find and to revoke by. */
export type ArtifactLabels = {
  accountId?: string | undefined
  clientId?: string | undefined
  grantId?: string | undefined
  sessionUid?: string | undefined
  uid?: string | undefined
  userCode?: string | undefined
}

export type Opened<T> = {
  payload: T
  accountId: string | null
  clientId: string | null
  grantId: string | null
  createdAt: number
  expiresAt: number | null
  consumedAt: number | null
}

/**
 * Artifacts by their value. The value goes in, its keyed digest is stored; the payload is sealed
 * with the row's own name, so a payload moved to another row does not open.
 */
export type ArtifactVault = {
  digest(value: string): string
  put(
    model: string,
    value: string,
    payload: object,
    labels: ArtifactLabels,
    lifeMs: number | null,
  ): Promise<void>
  putOnce(
    model: string,
    value: string,
    payload: object,
    labels: ArtifactLabels,
    lifeMs: number,
  ): Promise<boolean>
  find<T>(model: string, value: string): Promise<Opened<T> | null>
  /** Also what has expired and is not swept yet: a refusal can then say why. */
  findExpiredToo<T>(model: string, value: string): Promise<Opened<T> | null>
  findByUid<T>(model: string, uid: string): Promise<Opened<T> | null>
  findByUserCode<T>(model: string, userCode: string): Promise<Opened<T> | null>
  consume(model: string, value: string): Promise<boolean>
  /**
   * The one step that uses up `value` and writes its successor, sealed beforehand: what it returns
   * runs statements only, and answers whether this caller was the one.
   */
  rotation(
    model: string,
    value: string,
    replay: KeptReplay | null,
    next: { value: string; payload: object; labels: ArtifactLabels; lifeMs: number },
  ): Promise<() => Promise<boolean>>
  /** Keeps beside a used artifact the answer to repeat. The seal is the caller's. */
  keepReplay(model: string, value: string, replay: KeptReplay): Promise<void>
  findReplay(model: string, value: string): Promise<string | null>
  bind(model: string, value: string, accountId: string): Promise<boolean>
  /** What the user code names, once it is this holder's; null for everybody else. */
  claim<T>(model: string, userCode: string, holder: Holder): Promise<Opened<T> | null>
  /** Rewrites, once, what this holder has claimed; returns what it was, or null when it is not theirs. */
  settle<T extends object>(
    model: string,
    userCode: string,
    holder: Holder,
    grantId: string | null,
    change: (payload: T) => object,
  ): Promise<T | null>
  remove(model: string, value: string): Promise<void>
  retire(grantIds: readonly string[]): Promise<void>
  grantOf(model: string, value: string): Promise<string | null>
}

export function artifactVault(store: ArtifactStore, keyring: Keyring, clock: Clock): ArtifactVault {
  const digest = (value: string) => keyring.mac('oauth-artifact', value).digest
  const context = (model: string, idDigest: string) => `oauth_artifacts/${model}/${idDigest}`

  const pack = async (
    model: string,
    value: string,
    payload: object,
    labels: ArtifactLabels,
    lifeMs: number | null,
  ): Promise<Artifact> => {
    const idDigest = digest(value)
    const now = clock.now()
    return {
      model,
      idDigest,
      accountId: labels.accountId ?? null,
      clientId: labels.clientId ?? null,
      grantId: labels.grantId ?? null,
      sessionUid: labels.sessionUid ?? null,
      uid: labels.uid ?? null,
      userCodeDigest: labels.userCode === undefined ? null : digest(labels.userCode),
      payload: await keyring.seal(context(model, idDigest), JSON.stringify(payload)),
      createdAt: now,
      expiresAt: lifeMs === null ? null : now + lifeMs,
      consumedAt: null,
    }
  }

  const unpack = async <T>(artifact: Artifact | null): Promise<Opened<T> | null> => {
    if (!artifact || artifact.payload === '') return null // retired
    const sealed = await keyring.open(context(artifact.model, artifact.idDigest), artifact.payload)
    const { accountId, clientId, grantId, createdAt, expiresAt, consumedAt } = artifact
    const payload = JSON.parse(sealed) as T // we sealed it: it is what `put` was given
    return { payload, accountId, clientId, grantId, createdAt, expiresAt, consumedAt }
  }

  return {
    digest,
    put: async (...input) => store.put(await pack(...input)),
    putOnce: async (...input) => store.putOnce(await pack(...input)),
    find: async <T>(model: string, value: string) =>
      unpack<T>(await store.find(model, digest(value), clock.now())),
    findExpiredToo: async <T>(model: string, value: string) =>
      unpack<T>(await store.find(model, digest(value), 0)),
    findByUid: async <T>(model: string, uid: string) =>
      unpack<T>(await store.findByUid(model, uid, clock.now())),
    findByUserCode: async <T>(model: string, userCode: string) =>
      unpack<T>(await store.findByUserCode(model, digest(userCode), clock.now())),
    consume: (model, value) => store.consume(model, digest(value), clock.now()),
    async rotation(model, value, replay, { value: nextValue, payload, labels, lifeMs }) {
      const next = await pack(model, nextValue, payload, labels, lifeMs)
      const used = { model, idDigest: digest(value) }
      return () => store.rotate(used, replay, next, clock.now())
    },
    keepReplay: (model, value, replay) => store.keepReplay(model, digest(value), replay),
    findReplay: (model, value) => store.findReplay(model, digest(value), clock.now()),
    bind: (model, value, accountId) => store.bind(model, digest(value), accountId),
    async claim<T>(model: string, userCode: string, holder: Holder) {
      const found = await store.findByUserCode(model, digest(userCode), clock.now())
      if (!found || !(await store.claim(model, found.idDigest, holder, clock.now()))) return null
      return unpack<T>(found)
    },
    async settle<T extends object>(
      model: string,
      userCode: string,
      holder: Holder,
      grantId: string | null,
      change: (payload: T) => object,
    ) {
      const found = await store.findByUserCode(model, digest(userCode), clock.now())
      const opened = await unpack<T>(found)
      if (!found || !opened) return null
      const sealed = await keyring.seal(
        context(model, found.idDigest),
        JSON.stringify(change(opened.payload)),
      )
      const outcome = { payload: sealed, grantId }
      const settled = await store.settle(model, found.idDigest, holder, outcome, clock.now())
      return settled ? opened.payload : null
    },
    remove: (model, value) => store.remove(model, digest(value)),
    retire: (grantIds) => store.retire(grantIds, clock.now()),
    grantOf: (model, value) => store.grantOf(model, digest(value)),
  }
}
