import type { TrustTexts } from '../en/trust.ts'

export const trust: TrustTexts = {
  reasons: {
    policy_violation: '该账户的使用方式违反了使用政策。',
    bulk_registration: '该账户疑似批量注册的账户之一。',
    shared_key: '该账户的某个密钥被超出其用途的多人或多地使用。',
    leaked_key: '该账户的某个密钥已被公开。',
    api_abuse: '该账户调用 API 的方式损害了服务或他人。',
    payment_trouble: '有一笔付款存在争议或无法收取。',
    security_concern: '有迹象表明该账户可能已被他人控制。',
    other: '其他原因，见下方说明。',
  },
  kinds: {
    warn: '警告',
    limit: '账户受限',
    suspend: '账户停用',
    close: '账户关闭',
  },
  noText: '除上述原因外没有补充说明。',
  sameReviewer: '由于本服务没有其他复核人员，此申诉由作出原决定的人员复核。',
}
