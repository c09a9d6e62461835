import { deviceText } from '../devices.ts'
import type { MailTexts } from '../en/mail.ts'
import { placeName } from '../places.ts'

const time = (at: number) =>
  `${new Intl.DateTimeFormat('zh-CN', { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' }).format(at)}（UTC）`

const notYou = '如果不是您本人操作，请立即重置密码；重置后所有设备都会退出登录。'

const decisions = {
  warn: { subject: '您的账户收到一次警告', what: '您的账户收到一次警告。' },
  limit: { subject: '您的账户已受到限制', what: '您的账户已受到限制。' },
  suspend: {
    subject: '您的账户已被停用',
    what: '您的账户已被停用，其密钥和令牌不再有效。您仍可登录、查看用量并导出数据。',
  },
  close: { subject: '您的账户已被关闭', what: '您的账户已被关闭。' },
} as const

const outcomes = {
  upheld: '原决定维持不变。',
  reduced: '原决定已减轻。',
  reversed: '原决定已撤销，受影响的内容已恢复。',
} as const

export const mail: MailTexts = {
  verify_email: () => ({
    subject: '您的验证码',
    paragraphs: [
      '请输入此验证码以确认您的邮箱地址。验证码 10 分钟内有效，并取代此前发送的验证码。',
      '如果您没有注册，请忽略此邮件；没有验证码，什么都不会发生。',
    ],
    button: '输入验证码',
  }),
  already_registered: () => ({
    subject: '您已有账户',
    paragraphs: [
      '有人（可能是您本人）试图用此邮箱注册。该邮箱已有账户，因此没有任何改动。',
      '请照常登录。如果忘记了密码，可在登录页面重置。',
    ],
    button: '前往登录',
  }),
  reset_password: () => ({
    subject: '用于设置新密码的验证码',
    paragraphs: [
      '请输入此验证码以设置新密码。验证码 10 分钟内有效，并取代此前发送的验证码。',
      '如果您没有提出此请求，请忽略此邮件；您的密码不会改变。',
    ],
    button: '设置新密码',
  }),
  reset_unknown: () => ({
    subject: '此邮箱没有对应的账户',
    paragraphs: [
      '有人（可能是您本人）请求重置密码，但此邮箱没有对应的账户。',
      '您可能使用了其他邮箱注册；如果不是，请忽略此邮件。',
    ],
    button: '注册',
  }),
  password_changed: ({ at }) => ({
    subject: '您的密码已更改',
    paragraphs: [`您账户的密码已于 ${time(at)}更改，其他设备均已退出登录。`, notYou],
    button: '重置密码',
  }),
  account_closed: ({ at }) => ({
    subject: '您的账户已关闭',
    paragraphs: [
      `按照您的要求，账户已于 ${time(at)}关闭，其密钥、令牌和会话不再有效。`,
      '感谢您曾经的使用。',
    ],
  }),
  sign_in_paused: ({ at }) => ({
    subject: '您的账户出现大量错误密码',
    paragraphs: [
      `截至 ${time(at)}，有人连续一百次为您的账户输入了错误的密码，但没有人登录成功。在新设备上的登录已暂停。`,
      '您以前登录过的设备仍可照常登录，登录后暂停即告解除。如果现在要在新设备上登录，请通过邮件设置新密码。',
      '如果您在其他地方也使用同一密码，无论如何都请设置新密码。',
    ],
    button: '设置新密码',
  }),
  signed_out_by_operator: ({ at }) => ({
    subject: '您已在所有设备上退出登录',
    paragraphs: [
      `为保护您的账户，管理员于 ${time(at)}结束了您账户的所有登录、已连接的应用和令牌。您的 API 密钥不受影响。`,
      '请重新登录，并重新连接您的应用。如果您认为有他人进入过您的账户，请同时设置新密码。',
    ],
    button: '登录',
  }),
  new_device: ({ device, address, place, at }) => ({
    subject: '您的账户有新的登录',
    paragraphs: [
      `您的账户于 ${time(at)}在一台新设备上登录：${deviceText('zh', device, false)}，网络地址 ${address}（${placeName('zh', place)}）。`,
      '如果是您本人，无需处理。如果不是，请打开下面的页面：点击其中的按钮即可让该设备退出登录，并由您设置新密码。链接在七天内有效。',
    ],
    button: '不是我本人',
  }),
  new_app_device: ({ device, address, place, at }) => ({
    subject: '有设备连接到您的账户',
    paragraphs: [
      `一台设备于 ${time(at)}通过设备代码连接到您的账户：${deviceText('zh', device, true)}，网络地址 ${address}（${placeName('zh', place)}）。`,
      '如果这是您的设备，无需处理。如果代码是别人给您的，或者您没有输入过代码，请打开下面的页面：点击其中的按钮即可断开该设备，并由您设置新密码。链接在七天内有效。',
    ],
    button: '不是我本人',
  }),
  decision: ({ decision, reason, text }) => ({
    subject: decisions[decision].subject,
    paragraphs: [
      decisions[decision].what,
      `原因：${reason}`,
      text,
      '登录后，您可以查看案件并提交申诉。',
    ],
    button: '查看案件',
  }),
  appeal_received: ({ firstLookDueAt }) => ({
    subject: '我们已收到您的申诉',
    paragraphs: [
      `您的申诉已送达，我们会在 ${time(firstLookDueAt)}之前进行首次处理。`,
      '在此之前您无需做任何事。',
    ],
    button: '查看申诉',
  }),
  appeal_decided: ({ outcome, text }) => ({
    subject: '您的申诉已有结果',
    paragraphs: [outcomes[outcome], text],
    button: '查看结果',
  }),
  refresh_token_reused: ({ client, at }) => ({
    subject: '为安全起见，某个应用已被退出',
    paragraphs: [
      `应用“${client}”的一个已用过的令牌于 ${time(at)}再次被使用。这可能意味着令牌被他人复制，因此我们终止了该应用的访问。`,
      '如果您在使用该应用，请重新连接；如果您不认识它，请更改密码。',
    ],
    button: '查看已连接的应用',
  }),
}

export const mailFooter = '您收到此邮件，是因为您的邮箱地址在 {origin} 被使用。'
export const codeLabel = '您的验证码'
