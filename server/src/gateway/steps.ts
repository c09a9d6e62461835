import { redact } from '#platform/log/log.ts'
import type { Claimed } from '../oauth/index.ts'
import type { Call } from './call.ts'
import { clientAddress } from './client-address.ts'
import { readHead } from './credential.ts'
import { modelList, oneModel, ownKey, route } from './endpoints.ts'
import { forward } from './forward.ts'
import { Admission } from './meter.ts'
import { listModels, showModel } from './models.ts'
import { showOwnKey } from './own-key.ts'
import type { Found } from './policies.ts'
import type { Refusal } from './refusal.ts'
import { bodyBytesMax, modelOfForm, parseJsonBody, readBody } from './request-body.ts'
import { costOf } from './tokens.ts'

/** `null`: go on. A refusal ends the call. `later`: the step takes the call on itself, by `proceed` or an answer. */
type Verdict = Refusal | null | 'later'
export type Step = (call: Call) => Verdict

/**
 * The whole way of a call, in order. For a known key all of it runs in one go, without a promise and
 * without a database read, until the body is awaited.
 */
export const steps: readonly Step[] = [
  findEndpoint,
  readCredential,
  findPolicy,
  checkStanding,
  checkExpiry,
  checkNetwork,
  checkScope,
  answerLocally,
  takeBody,
  checkModel,
  admit,
  send,
]

export function proceed(call: Call): void {
  try {
    while (call.step < steps.length && !call.over) {
      const verdict = (steps[call.step++] as Step)(call)
      if (verdict === null) continue
      if (verdict !== 'later') call.refuse(verdict)
      return
    }
  } catch (error) {
    call.gateway.log.error(
      { err: error, request_id: call.requestId },
      'a step of the gateway failed',
    )
    call.refuse({ reason: 'internal_error' })
  }
}

function findEndpoint(call: Call): Verdict {
  const { method = '', url = '' } = call.req
  const query = url.indexOf('?')
  const path = query < 0 ? url : url.slice(0, query)
  const routed = route(method, path)
  if (routed.ok) {
    call.endpoint = routed.endpoint
    call.modelId = routed.modelId
    return null
  }
  const values = { method, path: redact(path.slice(0, 200)), allowed: routed.allowed ?? '' }
  return { reason: routed.allowed ? 'method_not_allowed' : 'unknown_url', values }
}

function readCredential(call: Call): Verdict {
  const read = readHead(call.req.rawHeaders, call.req.url ?? '')
  if (!read.ok) return read.refusal
  call.head = read.head
  return read.head.credential === null ? { reason: 'missing_key' } : null
}

/** Cached: at once. Otherwise the checksum, then one read; the body waits unread meanwhile. */
function findPolicy(call: Call): Verdict {
  const { head, gateway } = call
  const found = gateway.policies.find(head.credential as string, head.dpop ? claimed(call) : null)
  if (!(found instanceof Promise)) return usePolicy(call, found)
  found.then(
    (result) => {
      if (call.over) return
      const refusal = usePolicy(call, result)
      if (refusal) call.refuse(refusal)
      else proceed(call)
    },
    (error) => {
      call.gateway.log.error({ err: error, request_id: call.requestId }, 'a look-up failed')
      call.refuse({ reason: 'internal_error' })
    },
  )
  return 'later'
}

/** What a call under the DPoP scheme claims; its address is ours, whatever Host said. */
function claimed({ head, req: { method = '', url = '' }, gateway }: Call): Claimed {
  const query = url.indexOf('?')
  const path = query < 0 ? url : url.slice(0, query)
  return { proof: head.proof, method, url: gateway.origin + path }
}

function usePolicy(call: Call, found: Found): Refusal | null {
  if (!found.ok) return found
  call.policy = found.policy
  return null
}

function checkStanding({ policy }: Call): Verdict {
  if (!policy.accountMayCall) return { reason: 'account_deactivated' }
  return policy.enabled ? null : { reason: 'invalid_key' }
}

function checkExpiry({ policy, at }: Call): Verdict {
  if (at < policy.expiresAt) return null
  return { reason: policy.kind === 'token' ? 'expired_token' : 'expired_key' }
}

function checkNetwork(call: Call): Verdict {
  const { mayConnectFrom } = call.policy
  if (mayConnectFrom === null) return null
  return mayConnectFrom(clientAddress(call.req, call.gateway.trustedProxies))
    ? null
    : { reason: 'ip_not_authorized' }
}

function checkScope({ policy, endpoint: { scope } }: Call): Verdict {
  if (scope === null || policy.scopes.has(scope)) return null
  return { reason: 'insufficient_scope', scope, values: { scope }, details: { scope } }
}

/** What needs no model server is answered here. */
function answerLocally(call: Call): Verdict {
  if (call.endpoint.body !== 'local') return null
  if (call.endpoint === modelList) return listModels(call)
  if (call.endpoint === oneModel) return showModel(call)
  if (call.endpoint === ownKey) return showOwnKey(call)
  return null
}

function takeBody(call: Call): Verdict {
  const { contentType, contentLength } = call.head
  const expected = call.endpoint.body === 'json' ? 'application/json' : 'multipart/form-data'
  if (contentType !== null && contentType.slice(0, expected.length).toLowerCase() !== expected)
    return { reason: 'unsupported_media_type', values: { expected } }
  if (contentLength !== null && contentLength > bodyBytesMax)
    return { reason: 'body_too_large', values: { limit: bodyBytesMax } }
  readBody(call, (refusal) => {
    if (refusal) call.refuse(refusal)
    else proceed(call)
  })
  return 'later'
}

/** Tokens a model may answer with when the request does not say: what a reservation assumes. */
const outputTokensAssumed = 4_096

/** Reads what of the body decides: model, stream, the most it may cost. Then sees whether this credential may use the model. */
function checkModel(call: Call): Verdict {
  let model: unknown
  let outputTokens: number | null = null
  if (call.endpoint.body === 'json') {
    const parsed = parseJsonBody(call.body, call.endpoint.stream === 'chat')
    if (!parsed.ok) return parsed.refusal
    const { read } = parsed
    model = read.model
    call.streamed = read.stream
    call.wantsStreamUsage = read.wantsStreamUsage
    outputTokens = call.endpoint.stream === 'none' ? 0 : read.outputTokensMax
    call.body = read.bytes
  } else model = modelOfForm(call.body, call.head.contentType ?? '')

  if (typeof model !== 'string' || model === '')
    return { reason: 'model_required', param: 'model', values: { param: 'model' } }
  const { policy, gateway } = call
  if (!gateway.upstreams.has(model) || (policy.models !== null && !policy.models.has(model)))
    return {
      reason: 'model_not_found',
      param: 'model',
      values: { model: `“${model.slice(0, 100)}”` },
    }
  call.model = model
  if (policy.meters.length > 0) {
    const price = gateway.upstreams.highestPrice(model)
    const most = {
      input: Math.ceil(call.body.length / 3),
      cached: 0,
      output: outputTokens ?? outputTokensAssumed,
    }
    call.estimate = {
      tokens: Math.ceil(call.body.length / 4) + (outputTokens ?? 0),
      costMicros: costOf(most, price),
    }
  }
  return null
}

/** How long a call waits for what others hold of a budget, and how many may wait. */
const holdWaitMs = 30_000
const holdWaitersMax = 512

/** Takes from every limit and budget at once, or from none. */
function admit(call: Call): Verdict {
  const { policy, gateway } = call
  if (policy.meters.length > 0) {
    const result = Admission.admit(policy.meters, gateway.clock.now(), call.estimate)
    if (!result.ok) {
      const { meter, refusal } = result
      if (refusal.reason !== 'budget_held' || meter.waiting.length >= holdWaitersMax) return refusal
      // Others hold what is left: it is known soon whether any remains, so wait rather than refuse.
      call.giveUp ??= setTimeout(() => call.refuse(refusal), holdWaitMs - call.elapsedMs)
      meter.waiting.push(() => {
        if (call.over) return
        call.step--
        proceed(call)
      })
      return 'later'
    }
    call.admission = result.admission
    call.stopWaiting()
  }
  gateway.inFlight.add(call)
  return null
}

function send(call: Call): Verdict {
  forward(call)
  return 'later'
}
