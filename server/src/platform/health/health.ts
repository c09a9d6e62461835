/**
 * Whether this node should get traffic. Rooms and platform register what they depend on.
 *
 * `required`: without it nearly every request fails, so the node says 503 (database, migrations).
 * `degrading`: the node still serves, with less (Redis, an upstream): readiness stays 200 and names
 * it, because a load balancer that takes every node away would turn a small fault into a total one.
 */
export type HealthCheck = {
  name: string
  weight: 'required' | 'degrading'
  /** Throws when the thing is down, `Down` to say why in words. At most `timeoutMs` is waited for. */
  check(): Promise<unknown>
}

/** Its message is shown to operators as it stands. */
export class Down extends Error {}

export type HealthResult = {
  name: string
  weight: HealthCheck['weight']
  ok: boolean
  /** For operators: why; never an address or a secret. */
  detail: string | null
  durationMs: number
}

export type Health = {
  register(check: HealthCheck): void
  /** `draining` from the moment the process was told to stop. */
  read(): Promise<{ status: HealthStatus; checks: HealthResult[] }>
  drain(): void
}

export type HealthStatus = 'ready' | 'degraded' | 'down' | 'draining'

export function createHealth(timeoutMs = 2_000): Health {
  const checks: HealthCheck[] = []
  let draining = false
  return {
    register: (check) => void checks.push(check),
    drain: () => {
      draining = true
    },
    async read() {
      const results = await Promise.all(checks.map((check) => run(check, timeoutMs)))
      return { status: draining ? 'draining' : statusOf(results), checks: results }
    },
  }
}

function statusOf(results: readonly HealthResult[]): HealthStatus {
  const down = results.filter((result) => !result.ok)
  if (down.some((result) => result.weight === 'required')) return 'down'
  return down.length > 0 ? 'degraded' : 'ready'
}

async function run({ name, weight, check }: HealthCheck, timeoutMs: number): Promise<HealthResult> {
  const started = performance.now()
  let timer: NodeJS.Timeout | undefined
  const patience = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Down(`no answer within ${timeoutMs} ms`)), timeoutMs)
  })
  const result = (ok: boolean, detail: string | null): HealthResult => ({
    name,
    weight,
    ok,
    detail,
    durationMs: Math.round(performance.now() - started),
  })
  try {
    await Promise.race([Promise.resolve().then(check), patience])
    return result(true, null)
  } catch (error) {
    return result(false, reason(error))
  } finally {
    clearTimeout(timer)
  }
}

/** A code where there is one: messages of drivers carry addresses and user names. */
function reason(error: unknown): string {
  if (error instanceof Down) return error.message
  const { code } = error as { code?: unknown }
  return typeof code === 'string' ? code : 'failed'
}
