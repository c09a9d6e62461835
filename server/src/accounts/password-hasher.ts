import { hash, parseOptions, verify } from '@node-rs/argon2'
import { normalizePassword } from './password-policy.ts'

/** OWASP's floor for Argon2id: 19 MiB, two passes, one lane; about 70 ms a hash. */
export const argon2Parameters = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const

/** `busy`: the queue is full; the caller answers 503 and nothing was hashed. */
export type Busy = { ok: false; reason: 'busy' }

export type PasswordHasher = {
  /** A PHC string with its parameters and a random salt. */
  hash(password: string): Promise<{ ok: true; phc: string } | Busy>
  /**
   * Whether the password belongs to `phc`; null stands for an account that does not exist, '' for
   * one without a usable password; both cost the same time. `outdated`: right, but hashed with other parameters than today's.
   */
  verify(
    phc: string | null,
    password: string,
  ): Promise<{ ok: true; right: boolean; outdated: boolean } | Busy>
}

/** Waiting hashes per running one: some seconds of work, after which refusing is kinder than waiting. */
const waitingPerSlot = 64

/**
 * Argon2id on the thread pool, at most `concurrency` at once (19 MiB each) behind a bounded queue,
 * so that a burst of sign-ins can neither exhaust memory nor stall the event loop.
 */
export function argon2Hasher(concurrency: number): PasswordHasher {
  const waiting: (() => void)[] = []
  let running = 0

  async function inTurn<T>(work: () => Promise<T>): Promise<T | null> {
    if (running >= concurrency) {
      if (waiting.length >= concurrency * waitingPerSlot) return null
      await new Promise<void>((resolve) => waiting.push(resolve)) // the slot is handed over
    } else running++
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else running--
    }
  }

  let dummy: Promise<string> | undefined
  const dummyPhc = () => {
    dummy ??= hash('no account has this password', argon2Parameters)
    return dummy
  }

  return {
    async hash(password) {
      const phc = await inTurn(() => hash(normalizePassword(password), argon2Parameters))
      return phc === null ? { ok: false, reason: 'busy' } : { ok: true, phc }
    },
    async verify(phc, password) {
      const usable = phc !== null && phc !== ''
      const known = usable ? phc : await dummyPhc()
      const matches = await inTurn(() => verify(known, normalizePassword(password)))
      if (matches === null) return { ok: false, reason: 'busy' }
      const right = matches && usable
      return { ok: true, right, outdated: right && isOutdated(known) }
    },
  }
}

function isOutdated(phc: string): boolean {
  const { memoryCost, timeCost, parallelism } = parseOptions(phc)
  return (
    memoryCost !== argon2Parameters.memoryCost ||
    timeCost !== argon2Parameters.timeCost ||
    parallelism !== argon2Parameters.parallelism
  )
}
