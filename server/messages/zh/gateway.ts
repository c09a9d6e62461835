import type { gateway as en, GatewayText } from '../en/gateway.ts'

export const gateway = {
  unknown_url: {
    message: '未知的请求地址：{method} {path}。请检查路径以及客户端的 base URL。',
    help: 'not-found',
  },
  method_not_allowed: {
    message: '{path} 不支持 {method}，请使用 {allowed}。',
    help: 'bad-requests',
  },
  missing_key: {
    message:
      '请求中没有 API 密钥。请放入请求头“Authorization: Bearer 您的密钥”。可在控制台创建密钥：{keys_page}。',
    help: 'api-keys',
  },
  conflicting_credentials: {
    message: '请求中带有两个不同的凭据。请只在 Authorization 请求头中发送一个。',
    help: 'api-keys',
  },
  credential_in_query: {
    message:
      '写在地址里的密钥会进入日志，因此不被接受。请放入 Authorization 请求头；若该密钥是真实的，请立即轮换。',
    help: 'lost-key',
  },
  invalid_key: {
    message: 'API 密钥无效：可能输入有误、已停用或已删除。可在控制台创建新密钥：{keys_page}。',
    help: 'lost-key',
  },
  expired_key: {
    message: 'API 密钥已过期。请在控制台轮换或创建新密钥：{keys_page}。',
    help: 'lost-key',
  },
  account_deactivated: {
    message: '此凭据所属的账户已被停用。请登录查看原因并提交申诉：{cases_page}。',
    help: 'suspended-account',
  },
  invalid_token: {
    message: '此访问令牌在这里无效。请向授权服务器获取新的令牌。',
    help: 'sign-in',
  },
  expired_token: {
    message: '访问令牌已过期。请刷新令牌后重新发送请求。',
    help: 'sign-in',
  },
  revoked_token: {
    message: '访问令牌已被撤销：其所属的会话或授权已结束。请重新登录。',
    help: 'sign-in',
  },
  key_bound_token: {
    message:
      '此访问令牌已绑定到密钥。请以 “Authorization: DPoP 令牌” 发送，并在 DPoP 标头中附上新的证明。',
    help: 'dpop',
  },
  token_not_bound: {
    message: '此凭据没有绑定到密钥。请以 “Authorization: Bearer …” 发送。',
    help: 'dpop',
  },
  invalid_proof: {
    message:
      'DPoP 证明与此请求不符（问题所在：{fault}）。请为每个请求用访问令牌的密钥制作新的证明。',
    help: 'dpop',
  },
  proof_nonce: {
    message: '请使用 DPoP-Nonce 标头中的 nonce 重新制作 DPoP 证明，然后再次发送请求。',
    help: 'dpop',
  },
  ip_not_authorized: {
    message: '此密钥不接受来自该网络地址的请求。请在控制台修改密钥允许的网络。',
    help: 'api-keys',
  },
  insufficient_scope: {
    message: '此凭据缺少权限范围 {scope}。请为密钥添加该范围，或在用户登录时申请它。',
    help: 'scopes',
  },
  unsupported_media_type: {
    message: '请以 {expected} 发送请求体。',
    help: 'bad-requests',
  },
  body_too_large: {
    message: '请求体超过 {limit} 字节。请缩小后重试。',
    help: 'bad-requests',
  },
  malformed_body: {
    message: '请求体不是一个 UTF-8 编码的 JSON 对象。请改正后重新发送。',
    help: 'bad-requests',
  },
  invalid_value: {
    message: '{param} 的值无效。请改正后重新发送请求。',
    help: 'bad-requests',
  },
  model_required: {
    message: '请在 {param} 中指定模型。可用的模型见 GET /v1/models。',
    help: 'models',
  },
  model_not_found: {
    message: '模型 {model} 不存在，或您无权使用它。可用的模型见 GET /v1/models。',
    help: 'models',
  },
  not_supported: {
    message: '模型 {model} 不支持此操作。请使用支持 {path} 的模型与服务器。',
    help: 'models',
  },
  requests_limit: {
    message: '已达到速率限制：此{scope}每分钟 {limit} 次请求。请在 {seconds} 秒后重试。',
    help: 'rate-limits',
  },
  tokens_limit: {
    message: '已达到速率限制：此{scope}每分钟 {limit} 个词元。请在 {seconds} 秒后重试。',
    help: 'rate-limits',
  },
  tokens_too_many: {
    message:
      '此请求最多可能使用 {requested} 个词元，超过此{scope}每分钟 {limit} 个的限制。请缩小请求或提高限制。',
    help: 'rate-limits',
  },
  concurrency_limit: {
    message: '此{scope}同时允许 {limit} 个请求，目前均在运行。请等其中一个结束后重试。',
    help: 'rate-limits',
  },
  budget_used: {
    message:
      '已超出当前配额：此{scope}的{period}预算已用完。可在控制台提高预算：{keys_page}{renewal}。',
    help: 'usage-and-limits',
  },
  budget_held: {
    message: '此{scope}剩余的预算被仍在运行的请求占用。请在 {seconds} 秒后重试。',
    help: 'usage-and-limits',
  },
  store_unavailable: {
    message: '暂时无法校验密钥。您的密钥没有问题，请几秒后重试。',
    help: 'service-status',
  },
  not_recorded: {
    message: '无法记录此请求的用量，因此未返回其结果。请几秒后重试。',
    help: 'service-status',
  },
  upstream_unavailable: {
    message: '模型服务器暂时没有响应。请几秒后重试。',
    help: 'service-status',
  },
  upstream_busy: {
    message: '模型服务器过载。请在 {seconds} 秒后重试。',
    help: 'service-status',
  },
  upstream_timeout: {
    message: '模型服务器耗时过长。请重试，或要求更短的回答。',
    help: 'service-status',
  },
  upstream_error: {
    message: '模型服务器处理此请求时出错。请重试；若仍然失败，请把请求编号告诉支持人员。',
    help: 'service-status',
  },
  upstream_cut: {
    message: '模型服务器在回答完成之前中断了。请重试。',
    help: 'service-status',
  },
  upstream_refused: {
    message: '模型服务器拒绝了此请求：{detail}',
    help: 'bad-requests',
  },
  cut_off: {
    message: '回答进行期间，此请求的凭据已被收回。',
    help: 'lost-key',
  },
  shutting_down: {
    message: '服务器正在重启。请重新发送请求。',
    help: 'service-status',
  },
  internal_error: {
    message: '我们这边出了问题。请重试；若仍然失败，请把请求编号告诉支持人员。',
    help: 'service-status',
  },
} as const satisfies Record<keyof typeof en, GatewayText>
