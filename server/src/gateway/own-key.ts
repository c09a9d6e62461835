import { rfc3339OrNull } from '#platform/clock/clock.ts'
import type { Call } from './call.ts'
import { periodOf } from './meter.ts'

/** What a credential may do and has spent: for its holder, so that a client can see its own limits. */
export function showOwnKey(call: Call): 'later' {
  const { policy, gateway } = call
  const credential = { id: policy.credentialId, organizationId: policy.organizationId }
  const now = gateway.clock.now()
  const budget = policy.key?.budget ?? null
  const period = budget ? periodOf(budget.period, now) : null
  Promise.all([
    gateway.usage.totals(credential, null),
    period ? gateway.usage.totals(credential, period.fromDay) : null,
  ]).then(
    ([ever, inPeriod]) =>
      call.json(200, {
        object: policy.kind,
        id: policy.credentialId,
        name: policy.key?.name ?? null,
        hint: policy.key?.hint ?? null,
        scopes: [...policy.scopes],
        models: policy.models ? [...policy.models] : null,
        limits: {
          requests_per_minute: policy.key?.limits.requestsPerMinute ?? null,
          tokens_per_minute: policy.key?.limits.tokensPerMinute ?? null,
          concurrency: policy.key?.limits.concurrency ?? null,
        },
        budget: budget && {
          amount_micros: budget.amountMicros,
          period: budget.period,
          spent_micros: inPeriod?.costMicros ?? 0,
          remaining_micros: Math.max(0, budget.amountMicros - (inPeriod?.costMicros ?? 0)),
          resets_at: period && Number.isFinite(period.endsAt) ? rfc3339OrNull(period.endsAt) : null,
        },
        usage: {
          requests: ever.requests,
          input_tokens: ever.inputTokens,
          cached_input_tokens: ever.cachedInputTokens,
          output_tokens: ever.outputTokens,
          cost_micros: ever.costMicros,
        },
        expires_at: Number.isFinite(policy.expiresAt) ? rfc3339OrNull(policy.expiresAt) : null,
      }),
    (error) => {
      gateway.log.error({ err: error, request_id: call.requestId }, 'spend cannot be read')
      call.refuse({ reason: 'store_unavailable' })
    },
  )
  return 'later'
}
