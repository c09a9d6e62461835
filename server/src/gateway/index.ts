/**
 * `/v1`: any OpenAI client with only its base URL changed.
 *
 * A call passes the steps in `steps.ts`: who asks, may they, may they now, then a model server and
 * the meter. Invariants: a known key costs no database read and no promise before its body is there;
 * nothing a client sends chooses a host; what is held of a budget goes back exactly once; an answer
 * ends only after its usage is durable; a stream never ends in silence. This room keeps no table of
 * its own: keys and usage own theirs.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '#platform/clock/clock.ts'
import type { EventBus } from '#platform/events/events.ts'
import type { Random } from '#platform/ids/ids.ts'
import type { Log } from '#platform/log/log.ts'
import type { Standing } from '../accounts/index.ts'
import type { UpstreamSetting } from '../config.ts'
import { type Keys, networkTest } from '../keys/index.ts'
import type { AccessTokenVerifier } from '../oauth/index.ts'
import type { Usage } from '../usage/index.ts'
import { Call } from './call.ts'
import type { GatewayContext } from './context.ts'
import { answerPreflight } from './cross-origin.ts'
import { cutOffOnEvents, InFlight } from './in-flight.ts'
import { createPolicies } from './policies.ts'
import { requestIds } from './request-ids.ts'
import { RetryBudget } from './retry-budget.ts'
import { proceed } from './steps.ts'
import type { Timeouts } from './upstream/transport.ts'
import { type Model, openUpstreams } from './upstream/upstreams.ts'

export { modelsRoutes } from './routes.ts'

export type Gateway = {
  /** The handler of `/v1`, straight on node:http. */
  handle(req: IncomingMessage, res: ServerResponse): void
  models(): readonly Model[]
  /** Model servers with the state of their circuits, for readiness and operators. */
  upstreams(): {
    name: string
    models: readonly string[]
    healthy: boolean
    detail: string | null
  }[]
  /** Calls running now. */
  running(): number
  /**
   * Ends running calls whose credential has ended, whether an event told of it or not. A job does it
   * twice a minute, and tests instead of waiting.
   */
  lookAtRunning(): Promise<void>
  /** Lets running calls end, cuts off those that take longer, closes connections to model servers. */
  drain(deadlineMs: number): Promise<void>
}

export type GatewayDependencies = {
  origin: string
  clock: Clock
  random: Random
  log: Log
  bus: EventBus
  keys: Pick<Keys, 'findBySecret' | 'findByDigest'>
  standing(accountId: string): Promise<Standing | null>
  tokens: AccessTokenVerifier
  usage: Pick<Usage, 'record' | 'totals'>
  upstreams: readonly UpstreamSetting[]
  trustedProxies: readonly string[]
  timeouts?: Timeouts
}

export function createGateway(parts: GatewayDependencies): Gateway {
  const { clock, log, bus } = parts
  const policies = createPolicies(parts)
  const inFlight = new InFlight()
  const upstreams = openUpstreams(parts.upstreams, clock, parts.timeouts)
  const cutOff = cutOffOnEvents({ inFlight, policies, bus, log })
  const context: GatewayContext = {
    origin: parts.origin,
    clock,
    log,
    policies,
    upstreams,
    usage: parts.usage,
    inFlight,
    retries: new RetryBudget(),
    trustedProxies: parts.trustedProxies.length > 0 ? networkTest(parts.trustedProxies) : null,
    newRequestId: requestIds(clock, parts.random),
    draining: false,
  }
  return {
    handle(req, res) {
      if (!answerPreflight(req, res)) proceed(new Call(context, req, res))
    },
    models: () => upstreams.models,
    upstreams: () => upstreams.all.map((upstream) => upstream.view(clock.now())),
    running: () => inFlight.size,
    lookAtRunning: cutOff.look,
    async drain(deadlineMs) {
      context.draining = true
      if (!(await inFlight.idle(deadlineMs))) {
        inFlight.cutOff(() => true, 'shutting_down')
        await inFlight.idle(2_000)
      }
      await cutOff.stop()
      policies.close()
      upstreams.close()
    },
  }
}
