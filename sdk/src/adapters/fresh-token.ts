import type { TokenOptions } from '../tokens/demand.ts'

/** A function whose last parameter is the token: callers leave it out, the wrapper fills it in. */
// biome-ignore lint/suspicious/noExplicitAny: any function fits here; its own type is kept whole
export type TakesToken = (this: any, ...args: any[]) => Promise<unknown>

/**
 * Wraps `fn` so that each call gets a living token as its last parameter, and a call refused with
 * 401 is made once more with a renewed one. `this` is kept, so the same function is a standard
 * method decorator.
 *
 * The token's place is the last plain parameter of `fn` (`token?: string`; no default value, which
 * JavaScript does not count). Throws a TypeError when there is no parameter at all.
 */
export function freshTokenWrapper(token: (options?: TokenOptions) => Promise<string>) {
  return <F extends TakesToken>(
    fn: F,
    by: { minLifeMs?: number } | ClassMethodDecoratorContext = {},
  ): F => {
    const place = fn.length - 1
    if (place < 0)
      throw new TypeError('declare the token as the last parameter: (…, token?: string)')
    const minLife =
      'minLifeMs' in by && by.minLifeMs !== undefined ? { minLifeMs: by.minLifeMs } : {}
    async function fresh(this: unknown, ...args: unknown[]) {
      const call = (value: string) => {
        const filled = args.slice(0, place)
        filled.length = place
        return fn.apply(this, [...filled, value])
      }
      const first = await token(minLife)
      try {
        return await call(first)
      } catch (error) {
        if (!isUnauthorized(error)) throw error
        const second = await token({ ...minLife, stale: first })
        if (second === first) throw error
        return call(second)
      }
    }
    return fresh as unknown as F // same parameters, same promise: only the token is filled in
  }
}

/** Most HTTP clients put the status on the error they throw, the openai package among them. */
const isUnauthorized = (error: unknown): boolean =>
  typeof error === 'object' &&
  error !== null &&
  ((error as { status?: unknown }).status === 401 ||
    (error as { statusCode?: unknown }).statusCode === 401)
