import type { Call } from './call.ts'
import type { Model } from './upstream/upstreams.ts'

const present = (model: Model) => ({
  id: model.id,
  object: 'model',
  created: 0,
  owned_by: model.ownedBy,
})

const mayUse = (call: Call, model: Model): boolean =>
  call.policy.models === null || call.policy.models.has(model.id)

/** The models this credential may use. */
export function listModels(call: Call): 'later' {
  const data = call.gateway.upstreams.models.filter((model) => mayUse(call, model)).map(present)
  call.json(200, { object: 'list', data })
  return 'later'
}

export function showModel(call: Call) {
  const model = call.gateway.upstreams.models.find(({ id }) => id === call.modelId)
  if (!model || !mayUse(call, model))
    return {
      reason: 'model_not_found',
      param: 'model',
      values: { model: `“${(call.modelId ?? '').slice(0, 100)}”` },
    } as const
  call.json(200, present(model))
  return 'later' as const
}
