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
} as const satisfies Record<keyof typeof en, ErrorText>
