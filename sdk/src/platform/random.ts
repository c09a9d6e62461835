/** Randomness comes in as an argument, so that a race can be replayed with a seed. */
export type Random = {
  /** Uniform in [0, 1). For jitter only, never for secrets. */
  fraction(): number
  /** Bytes fit for keys and identifiers. */
  bytes(length: number): Uint8Array<ArrayBuffer>
}

export const systemRandom: Random = {
  fraction: () => Math.random(),
  bytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
}
