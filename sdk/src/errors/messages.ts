/** What happened, and what to do next. `{name}` is filled from the error's details. */
export type Words = { happened: string; next: string }

export type Locale = 'en' | 'zh'

/** One entry per code; the slug is the help article and the anchor in docs/sdk.md. */
export const slugs = {
  sign_in_required: 'sign-in-required',
  sign_in_expired: 'sign-in-required',
  sign_in_reused: 'sign-in-required',
  sign_in_revoked: 'sign-in-required',
  sign_in_refused: 'sign-in-required',
  sign_in_mismatch: 'sign-in-required',
  sign_in_interrupted: 'sign-in-required',
  sign_in_damaged: 'sign-in-required',
  sign_in_denied: 'sign-in-failed',
  sign_in_timeout: 'sign-in-failed',
  sign_in_invalid: 'sign-in-failed',
  sign_in_code_refused: 'sign-in-failed',
  insufficient_scope: 'scopes',
  rate_limited: 'rate-limits',
  queue_timeout: 'rate-limits',
  quota_exhausted: 'usage-and-limits',
  account_suspended: 'suspended-account',
  clock_skew: 'clock-skew',
  provider_unavailable: 'provider-unavailable',
  provider_misconfigured: 'provider-misconfigured',
  store_unavailable: 'credential-store',
  keychain_away: 'keychain',
  keychain_fallback: 'keychain',
  key_service_away: 'key-service',
  key_service_busy: 'key-service',
  key_disabled: 'key-service',
  key_pending: 'key-service',
  key_denied: 'key-service',
  key_unknown: 'key-service',
  key_misconfigured: 'key-service',
  request_failed: 'request-failed',
  token_refused: 'sign-in-required',
} as const

export type ErrorCode = keyof typeof slugs

export const en: Record<ErrorCode, Words> = {
  sign_in_required: {
    happened: 'Nobody is signed in as “{account}”.',
    next: 'Sign in once; after that the app stays signed in by itself.',
  },
  sign_in_expired: {
    happened: 'The sign-in of “{account}” is too old: its refresh token has expired.',
    next: 'Sign in again.',
  },
  sign_in_reused: {
    happened:
      'The provider ended the sign-in of “{account}” because its refresh token was used twice.',
    next: 'Sign in again. If another program uses a copy of these credentials, let both use one store, or sign each in on its own.',
  },
  sign_in_revoked: {
    happened: 'The sign-in of “{account}” was ended at the provider, by a person or an operator.',
    next: 'Sign in again. If nobody you know did this, look at the devices and apps of the account.',
  },
  sign_in_refused: {
    happened:
      'The provider no longer takes the refresh token of “{account}” (invalid_grant), and does not say why: it has expired, was revoked, or was used by another program.',
    next: 'Sign in again. If it happens again soon, look for a second copy of these credentials.',
  },
  sign_in_mismatch: {
    happened: 'The refresh token of “{account}” belongs to another client or another key.',
    next: 'Use the client id and the key that the sign-in began with, or sign in again.',
  },
  sign_in_interrupted: {
    happened:
      'A renewal for “{account}” was cut off after its refresh token had left, and the provider does not accept that token a second time.',
    next: 'Sign in again. Providers with a grace period, Latchkey among them, recover from this alone.',
  },
  sign_in_damaged: {
    happened: 'The stored sign-in of “{account}” cannot be read ({detail}).',
    next: 'Sign in again; that replaces the damaged entry.',
  },
  sign_in_denied: {
    happened: 'The provider refused the sign-in: {detail}.',
    next: 'Start again and allow access, or ask for fewer scopes.',
  },
  sign_in_timeout: {
    happened: 'The sign-in was not finished in time.',
    next: 'Start it again, and finish it in the browser before the time is up.',
  },
  sign_in_invalid: {
    happened: 'The answer to the sign-in does not belong to this attempt: {detail}.',
    next: 'Start the sign-in again from this app. If it happens again, somebody may be interfering: tell the provider.',
  },
  sign_in_code_refused: {
    happened: 'The provider did not take the code of this sign-in ({detail}).',
    next: 'Start the sign-in again: a code works once and for a few minutes, so a reloaded callback page brings an old one. If it fails each time, compare client id and redirect URI with what is registered.',
  },
  insufficient_scope: {
    happened: 'The token does not cover this call. Needed: {scopes}.',
    next: 'Sign in again and ask for these scopes; refreshing cannot add them.',
  },
  rate_limited: {
    happened: 'Too many requests; the next one is welcome {when}.',
    next: 'Wait until then, send fewer at once, or ask for a higher limit.',
  },
  queue_timeout: {
    happened: 'The request waited {seconds} s for its turn and was not sent.',
    next: 'Send fewer requests, or allow a longer wait.',
  },
  quota_exhausted: {
    happened: 'The quota or budget is used up.',
    next: 'Raise the budget or add credit; waiting or refreshing does not help.',
  },
  account_suspended: {
    happened: 'The account “{account}” is suspended.',
    next: 'Open the account in the browser: it shows the reason, and you can appeal there.',
  },
  clock_skew: {
    happened: 'This machine’s clock is {seconds} s away from the provider’s.',
    next: 'Set the clock (turn on network time), then sign in again.',
  },
  provider_unavailable: {
    happened: 'The provider could not be reached, or could not answer ({detail}).',
    next: 'Nothing is lost. Check the connection and try again {when}.',
  },
  provider_misconfigured: {
    happened: 'The provider and this app do not fit together: {detail}.',
    next: 'Check the issuer address, client id and client secret.',
  },
  store_unavailable: {
    happened: 'The credential store could not be read or written ({detail}).',
    next: 'Check permissions and free space. The sign-in is kept; nothing was deleted.',
  },
  keychain_away: {
    happened: 'The stored sign-in waits for the system’s keychain, which holds its key ({detail}).',
    next: 'Unlock the keychain, usually by signing in to the desktop, and try again. Or sign in anew: a key file then seals the new sign-in.',
  },
  keychain_fallback: {
    happened:
      'The system’s keychain cannot be used ({detail}); the key file {path} seals the sign-ins instead.',
    next: 'Whoever can read that folder can open them. Unlock or install a keychain (on Linux: libsecret-tools and a running Secret Service); the next renewal uses it again.',
  },
  key_service_away: {
    happened: 'The key service that seals the stored sign-ins cannot be reached ({detail}).',
    next: 'Nothing is lost; it is asked again by itself. Check the connection to it, and unseal it if it is sealed.',
  },
  key_service_busy: {
    happened: 'The key service takes no more requests for now ({detail}).',
    next: 'Nothing is lost; the next try is {when}. If it stays so, raise its quota or let data keys live longer (maxAgeMs).',
  },
  key_disabled: {
    happened: 'The key that seals the stored sign-ins is disabled ({detail}).',
    next: 'Enable it again and everything works as before. Until then the stored sign-ins cannot be opened.',
  },
  key_pending: {
    happened:
      'The key that seals the stored sign-ins is being deleted or not ready yet ({detail}).',
    next: 'Cancel the deletion and enable the key before its waiting period ends; after that the stored sign-ins are lost.',
  },
  key_denied: {
    happened: 'The key service does not let this app use the key ({detail}).',
    next: 'Renew the app’s credentials for it, or allow them to make and open data keys (AWS: kms:GenerateDataKey, kms:Decrypt; Vault: update on datakey/plaintext and decrypt).',
  },
  key_unknown: {
    happened: 'The key service does not know the key ({detail}).',
    next: 'Check the key’s name, and region (AWS) or mount and namespace (Vault).',
  },
  key_misconfigured: {
    happened: 'The key service could not be asked ({detail}).',
    next: 'Check its address, the credentials for it, the kind of key, and that its client is installed.',
  },
  request_failed: {
    happened: 'The request failed on the way ({detail}); outcome: {outcome}.',
    next: 'If the outcome is “not-sent”, send it again. If it is “unknown”, find out first whether it took effect.',
  },
  token_refused: {
    happened: 'The API refused the token of “{account}” although it was just renewed.',
    next: 'Check that this API accepts tokens of this provider (audience, resource); otherwise sign in again.',
  },
}

export const zh: Record<ErrorCode, Words> = {
  sign_in_required: {
    happened: '尚未以“{account}”登录。',
    next: '请登录一次，之后应用会自动保持登录状态。',
  },
  sign_in_expired: {
    happened: '“{account}”的登录时间过久，刷新令牌已过期。',
    next: '请重新登录。',
  },
  sign_in_reused: {
    happened: '“{account}”的刷新令牌被使用了两次，服务方已终止这次登录。',
    next: '请重新登录。如果另一个程序在使用同一份凭据的副本，请让它们共用同一个存储，或分别登录。',
  },
  sign_in_revoked: {
    happened: '“{account}”的登录已在服务方被用户本人或管理员终止。',
    next: '请重新登录。如果不是您认识的人所为，请检查该账户的设备和已授权应用。',
  },
  sign_in_refused: {
    happened:
      '服务方不再接受“{account}”的刷新令牌（invalid_grant），且未说明原因：可能已过期、被撤销，或被另一个程序使用。',
    next: '请重新登录。如果很快再次发生，请检查这份凭据是否另有副本。',
  },
  sign_in_mismatch: {
    happened: '“{account}”的刷新令牌属于另一个客户端或另一个密钥。',
    next: '请使用登录时的客户端 ID 和密钥，或重新登录。',
  },
  sign_in_interrupted: {
    happened: '“{account}”的续期在刷新令牌发出后被中断，而服务方不接受同一令牌再次使用。',
    next: '请重新登录。提供宽限期的服务方（例如 Latchkey）可以自动恢复。',
  },
  sign_in_damaged: {
    happened: '“{account}”保存的登录信息无法读取（{detail}）。',
    next: '请重新登录，损坏的内容会被替换。',
  },
  sign_in_denied: {
    happened: '服务方拒绝了登录：{detail}。',
    next: '请重新开始并允许访问，或减少申请的权限范围。',
  },
  sign_in_timeout: {
    happened: '登录未在规定时间内完成。',
    next: '请重新开始，并在超时之前于浏览器中完成登录。',
  },
  sign_in_invalid: {
    happened: '登录的回应与本次请求不符：{detail}。',
    next: '请从本应用重新开始登录。如果再次发生，可能有人在干扰，请联系服务方。',
  },
  sign_in_code_refused: {
    happened: '服务方不接受本次登录的授权码（{detail}）。',
    next: '请重新开始登录：授权码只能使用一次，几分钟内有效，刷新回调页面只会再次提交旧的授权码。如果每次都失败，请核对客户端 ID 和重定向地址是否与注册的一致。',
  },
  insufficient_scope: {
    happened: '令牌的权限不足以完成此调用。需要：{scopes}。',
    next: '请重新登录并申请这些权限范围，刷新令牌无法增加权限。',
  },
  rate_limited: {
    happened: '请求过于频繁，可在{when}再次发送。',
    next: '请等到那时，减少并发请求，或申请更高的限额。',
  },
  queue_timeout: {
    happened: '请求排队等待了 {seconds} 秒，未被发送。',
    next: '请减少请求数量，或允许更长的等待时间。',
  },
  quota_exhausted: {
    happened: '额度或预算已用完。',
    next: '请提高预算或充值，等待或刷新令牌都没有帮助。',
  },
  account_suspended: {
    happened: '账户“{account}”已被停用。',
    next: '请在浏览器中打开该账户，查看原因并可提交申诉。',
  },
  clock_skew: {
    happened: '本机时钟与服务方相差 {seconds} 秒。',
    next: '请校准时钟（开启网络时间同步），然后重新登录。',
  },
  provider_unavailable: {
    happened: '无法连接服务方，或服务方无法应答（{detail}）。',
    next: '没有任何内容丢失。请检查网络连接，{when}重试。',
  },
  provider_misconfigured: {
    happened: '服务方与本应用的配置不匹配：{detail}。',
    next: '请检查签发者地址、客户端 ID 和客户端密钥。',
  },
  store_unavailable: {
    happened: '无法读写凭据存储（{detail}）。',
    next: '请检查权限和剩余空间。登录信息仍然保留，没有删除任何内容。',
  },
  keychain_away: {
    happened: '已保存的登录信息需要系统钥匙串中的密钥才能打开（{detail}）。',
    next: '请解锁钥匙串（通常登录桌面即可）后重试；或重新登录，新的登录信息将改用密钥文件加密。',
  },
  keychain_fallback: {
    happened: '无法使用系统钥匙串（{detail}），改用密钥文件 {path} 加密登录信息。',
    next: '能读取该目录的人都可以打开它们。请解锁或安装钥匙串（Linux：libsecret-tools 与运行中的 Secret Service），下次续期时会自动恢复使用。',
  },
  key_service_away: {
    happened: '无法连接用于加密登录信息的密钥服务（{detail}）。',
    next: '没有任何内容丢失，系统会自动重试。请检查与密钥服务的连接；如果它处于封存（sealed）状态，请先解封。',
  },
  key_service_busy: {
    happened: '密钥服务暂时不接受更多请求（{detail}）。',
    next: '没有任何内容丢失，下次尝试：{when}。如果持续出现，请提高其配额，或延长数据密钥的缓存时间（maxAgeMs）。',
  },
  key_disabled: {
    happened: '用于加密登录信息的密钥已被禁用（{detail}）。',
    next: '重新启用该密钥后一切恢复正常。在此之前无法打开已保存的登录信息。',
  },
  key_pending: {
    happened: '用于加密登录信息的密钥正在等待删除，或尚未就绪（{detail}）。',
    next: '请在等待期结束前取消删除并启用该密钥，否则已保存的登录信息将永久丢失。',
  },
  key_denied: {
    happened: '密钥服务不允许本应用使用该密钥（{detail}）。',
    next: '请更新本应用的访问凭据，或授权其生成和解开数据密钥（AWS：kms:GenerateDataKey、kms:Decrypt；Vault：datakey/plaintext 与 decrypt 的 update 权限）。',
  },
  key_unknown: {
    happened: '密钥服务中没有该密钥（{detail}）。',
    next: '请检查密钥名称，以及区域（AWS）或挂载路径和命名空间（Vault）。',
  },
  key_misconfigured: {
    happened: '无法向密钥服务发起请求（{detail}）。',
    next: '请检查其地址、访问凭据、密钥类型，以及是否已安装对应的客户端。',
  },
  request_failed: {
    happened: '请求在传输途中失败（{detail}），结果：{outcome}。',
    next: '若结果为“not-sent”（未发出），可直接重发；若为“unknown”（未知），请先确认请求是否已生效。',
  },
  token_refused: {
    happened: '令牌刚刚续期，API 仍拒绝了“{account}”的令牌。',
    next: '请确认该 API 接受此服务方的令牌（受众、资源），否则请重新登录。',
  },
}
