import type { GatewayScope } from '../oauth/index.ts'

/** What a request may do, decided by method and exact path: nothing else in a request changes it. */
export type Endpoint = {
  method: 'GET' | 'POST'
  path: string
  scope: GatewayScope | null
  /** `json` and `multipart` go to a model server; `local` is answered here. */
  body: 'json' | 'multipart' | 'local'
  /** How its streams say that they are complete, and where their usage is. */
  stream: 'chat' | 'responses' | 'none'
}

const post = (
  path: string,
  scope: GatewayScope,
  stream: Endpoint['stream'] = 'none',
  body: Endpoint['body'] = 'json',
): Endpoint => ({ method: 'POST', path, scope, body, stream })

const get = (path: string, scope: GatewayScope | null): Endpoint => ({
  method: 'GET',
  path,
  scope,
  body: 'local',
  stream: 'none',
})

export const modelList = get('/v1/models', 'models:read')
export const oneModel = get('/v1/models/', 'models:read')
/** Any credential may read its own limits and spend. */
export const ownKey = get('/v1/key', null)

export const endpoints: readonly Endpoint[] = [
  modelList,
  ownKey,
  post('/v1/chat/completions', 'chat:write', 'chat'),
  post('/v1/completions', 'chat:write', 'chat'),
  post('/v1/responses', 'chat:write', 'responses'),
  post('/v1/embeddings', 'embeddings:write'),
  post('/v1/images/generations', 'images:write'),
  post('/v1/audio/speech', 'audio:write'),
  post('/v1/audio/transcriptions', 'audio:write', 'none', 'multipart'),
  post('/v1/audio/translations', 'audio:write', 'none', 'multipart'),
]

const byPath = new Map(endpoints.map((endpoint) => [endpoint.path, endpoint]))

export type Routed =
  | { ok: true; endpoint: Endpoint; modelId: string | null }
  | { ok: false; allowed: string | null }

/** `path` without its query. A path that is not exactly one of ours is unknown; nothing is normalised. */
export function route(method: string, path: string): Routed {
  const endpoint =
    byPath.get(path) ?? (path.startsWith(oneModel.path) && path !== oneModel.path ? oneModel : null)
  if (!endpoint) return { ok: false, allowed: null }
  if (endpoint.method !== method) return { ok: false, allowed: endpoint.method }
  if (endpoint !== oneModel) return { ok: true, endpoint, modelId: null }
  try {
    return { ok: true, endpoint, modelId: decodeURIComponent(path.slice(oneModel.path.length)) }
  } catch {
    return { ok: false, allowed: null }
  }
}
