import type { ErrorText, errors as en } from '../en/errors.ts'

export const errors = {
  invalid_request: {
    title: '请求无效',
    detail: '请改正所列字段后重新发送。',
    help: 'bad-requests',
  },
  malformed_json: {
    title: '请求体不是有效的 JSON',
    detail: '请发送一个 UTF-8 编码、不含空字节的 JSON 对象。',
    help: 'bad-requests',
  },
  unsupported_media_type: {
    title: '不支持该请求体类型',
    detail: '请以 application/json 发送请求体。',
    help: 'bad-requests',
  },
  body_too_large: {
    title: '请求体过大',
    detail: '请缩小请求体后重试。',
    help: 'bad-requests',
  },
  not_found: {
    title: '未找到',
    detail: '此地址没有内容，或不属于您。请检查地址以及当前登录的账户。',
    help: 'not-found',
  },
  method_not_allowed: {
    title: '此处不支持该方法',
    detail: '请使用 Allow 响应头中列出的方法。',
    help: 'bad-requests',
  },
  malformed_request: {
    title: '这不是有效的 HTTP 请求',
    detail: '请检查请求行和请求头；使用 HTTP 库可以避免此类错误。',
    help: 'bad-requests',
  },
  unknown_method: {
    title: '未知的 HTTP 方法',
    detail: '请使用大写的 GET、POST、PUT、PATCH 或 DELETE。',
    help: 'bad-requests',
  },
  headers_too_large: {
    title: '请求头过大',
    detail: '所有请求头合计不得超过 32 KiB。请删除本站的 Cookie 或减少请求头。',
    help: 'bad-requests',
  },
  request_timeout: {
    title: '请求传输超时',
    detail: '请在新的连接上重新发送。',
    help: 'bad-requests',
  },
  rate_limited: {
    title: '尝试次数过多',
    detail: '请等待 Retry-After 所示时间后再试。',
    help: 'rate-limits',
  },
  temporarily_unavailable: {
    title: '暂时不可用',
    detail: '服务的某个部分没有响应。您的请求没有问题，请几秒后重试。',
    help: 'service-status',
  },
  internal_error: {
    title: '我们这边出了问题',
    detail: '请重试。若仍然失败，请把请求编号告诉支持人员。',
    help: 'service-status',
  },
  cross_origin_refused: {
    title: '请求来自其他网站',
    detail: '请打开控制台本身，在那里重复此操作。',
    help: 'bad-requests',
  },
  sign_in_required: {
    title: '请登录',
    detail: '您的会话已结束，或者您尚未登录。',
    help: 'sign-in',
  },
  account_suspended: {
    title: '账户已被停用',
    detail: '请在“案件”中查看原因并提交申诉。登录、用量与导出仍可使用。',
    help: 'suspended-account',
  },
  operator_required: {
    title: '未找到',
    detail: '此地址没有内容，或不属于您。请检查地址以及当前登录的账户。',
    help: 'not-found',
  },
  email_invalid: {
    title: '邮箱地址无效',
    detail: '请输入一个普通邮箱地址，例如 name@example.com。',
    help: 'verify-email',
  },
  name_invalid: {
    title: '姓名无效',
    detail: '请输入 1 到 100 个字符的姓名，不要包含控制字符。',
    help: 'bad-requests',
  },
  password_too_short: {
    title: '密码过短',
    detail: '请至少使用 8 个字符；15 个字符及以上一定够长。',
    help: 'passwords',
  },
  password_too_long: {
    title: '密码过长',
    detail: '密码最多 256 个字符。',
    help: 'passwords',
  },
  password_common: {
    title: '该密码过于常见',
    detail: '它出现在常用或已泄露的密码列表中，攻击者会首先尝试。请换一个。',
    help: 'passwords',
  },
  password_personal: {
    title: '该密码与您本人关联过于明显',
    detail: '它由您的姓名、邮箱地址或本服务的名称构成。请换一个别人不会联想到您的密码。',
    help: 'passwords',
  },
  password_weak: {
    title: '该密码容易被猜到',
    detail: '请使用更长的密码，例如四个互不相关的词。',
    help: 'passwords',
  },
  code_invalid: {
    title: '验证码无效',
    detail:
      '验证码可能有误、已被使用、已被新的验证码取代、超过 10 分钟，或尝试次数过多。请查看最新的邮件，或重新获取验证码。',
    help: 'verify-email',
  },
  current_password_wrong: {
    title: '当前密码不正确',
    detail: '请输入您现在登录所用的密码。如果忘记了，请重置密码。',
    help: 'reset-password',
  },
  service_busy: {
    title: '当前登录人数过多',
    detail: '您的请求没有问题，请几秒后重试。',
    help: 'service-status',
  },
  operator_link_invalid: {
    title: '运营者链接无效',
    detail:
      '该链接已被使用、已被新的链接取代，或超过 24 小时。请重启服务，或运行“latchkey operator create”获取新链接。',
    help: 'operator-start',
  },
  email_taken: {
    title: '该邮箱已有账户',
    detail: '请输入该账户的密码，将其设为运营者；或者使用其他邮箱。',
    help: 'operator-start',
  },
  last_operator: {
    title: '这是唯一的运营者',
    detail: '请先把运营者角色授予另一个账户。',
    help: 'operator-start',
  },
  sign_in_failed: {
    title: '邮箱或密码不正确',
    detail: '请检查后重试。如果忘记了密码，请重置密码。',
    help: 'sign-in',
  },
  sign_in_paused: {
    title: '密码错误次数过多',
    detail:
      '请在以前登录过的设备上登录，或通过邮件设置新密码，这两种方式立即可用。否则请等待 Retry-After 所示时间后再试一次。',
    help: 'sign-in',
  },
  email_unverified: {
    title: '邮箱尚未验证',
    detail: '请输入邮件中的六位验证码，或重新获取验证码。',
    help: 'verify-email',
  },
  reauth_required: {
    title: '需要再次输入密码',
    detail: '您登录已超过十分钟。请输入密码后重试。',
    help: 'sign-in',
  },
  device_limit_reached: {
    title: '登录的设备过多',
    detail: '请选择一台设备退出登录，然后在此继续。',
    help: 'devices-and-sessions',
  },
  device_limit_refused: {
    title: '登录的设备过多',
    detail:
      '请先在不再使用的设备上退出登录，然后在此重新登录。如果那些设备都已不在手边，请重置密码，所有设备都会退出登录。',
    help: 'devices-and-sessions',
  },
  sign_in_ticket_invalid: {
    title: '登录等待时间过长',
    detail: '请重新输入密码。',
    help: 'devices-and-sessions',
  },
  device_link_invalid: {
    title: '此链接已失效',
    detail: '链接只能使用一次，有效期为七天。如有不认识的设备，请让它退出登录并修改密码。',
    help: 'devices-and-sessions',
  },
  role_insufficient: {
    title: '您的角色不允许此操作',
    detail: '请联系该组织的所有者或管理员。',
    help: 'not-found',
  },
  too_many_projects: {
    title: '该组织的项目过多',
    detail: '请使用现有的项目。',
    help: 'bad-requests',
  },
  key_not_yours: {
    title: '此密钥属于其他成员',
    detail: '只有创建该密钥的人，或组织的所有者与管理员，才能修改它。',
    help: 'api-keys',
  },
  key_held: {
    title: '此密钥已被运营者停用',
    detail: '您无法自行启用它。您可以将其撤销，或在“案件”中查看原因并提交申诉。',
    help: 'appeals',
  },
  key_expiry_past: {
    title: '到期时间早于现在',
    detail: '请将 expires_at 设为将来的时间；如不需到期，请设为 null。',
    help: 'api-keys',
  },
  transaction_not_found: {
    title: '此次登录已不再有效',
    detail: '它已过期、已完成，或是在另一个浏览器中发起的。请返回应用重新开始。',
    help: 'oauth-apps',
  },
  logout_not_found: {
    title: '此次退出登录已不再有效',
    detail:
      '它已过期、已完成，或是在另一个浏览器中发起的。如果您仍处于登录状态，请在此退出或返回应用。',
    help: 'app-sign-out',
  },
  device_code_unknown: {
    title: '代码不正确',
    detail:
      '代码可能输错、已超过十分钟、已处理，或已被他人先输入。请与设备上显示的代码核对，或让设备显示新的代码。',
    help: 'connect-device',
  },
  too_many_apps: {
    title: '应用数量过多',
    detail: '每个组织最多 100 个应用。请删除不再使用的应用。',
    help: 'oauth-apps',
  },
  public_client: {
    title: '此应用没有密钥',
    detail: '它是公开客户端。若其代码运行在服务器上，请先修改 token_endpoint_auth_method。',
    help: 'oauth-apps',
  },
  // trust and appeals
  own_account: {
    title: '这涉及您自己的账户',
    detail: '任何人都不能对自己的账户作出决定。请联系其他运营人员。',
    help: 'operator-decisions',
  },
  operator_protected: {
    title: '这是运营人员的账户',
    detail: '只有状态正常且角色为 operator 的人员可以对其作出决定。',
    help: 'operator-decisions',
  },
  decision_in_force: {
    title: '已有同等或更严厉的决定生效',
    detail: '请先撤销该决定，或作出更严厉的决定。',
    help: 'operator-decisions',
  },
  until_invalid: {
    title: '决定的结束时间无效',
    detail: '限制和停用可以设置自动结束时间，须在将来且不超过十年。警告和关闭没有结束时间。',
    help: 'operator-decisions',
  },
  decision_ended: {
    title: '该决定已不再生效',
    detail: '无法再对其进行更改。案件中会显示它是如何结束的。',
    help: 'appeals',
  },
  cannot_reduce: {
    title: '没有比警告更轻的决定',
    detail: '请维持或撤销该决定。',
    help: 'operator-decisions',
  },
  already_appealed: {
    title: '该决定已有申诉',
    detail: '每个决定只能申诉一次。案件中会显示申诉的进展。',
    help: 'appeals',
  },
  appeal_too_late: {
    title: '已超过申诉期限',
    detail: '申诉须在决定作出后 30 天内提交。',
    help: 'appeals',
  },
  own_decision: {
    title: '该申诉针对的是您作出的决定',
    detail: '必须由他人复核。请联系其他 operator 或 reviewer。',
    help: 'operator-decisions',
  },
  appeal_already_decided: {
    title: '该申诉已有结果',
    detail: '每个申诉只裁决一次。案件中会显示结果。',
    help: 'operator-decisions',
  },
} as const satisfies Record<keyof typeof en, ErrorText>
