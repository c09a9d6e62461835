import type {
  AppProblem,
  logoProblemTexts as enLogoProblems,
  oauthPages as enPages,
  resourceScopeText as enResourceScope,
  scopeTexts as enScopes,
  OAuthPageText,
  ScopeText,
} from '../en/oauth.ts'

export const oauthPages = {
  request_refused: {
    title: '无法接受此应用的请求',
    detail:
      '应用发来的请求与其注册信息不符，因此不会把您送回该应用。请返回后重试；若问题依旧，请把下面的代码告诉应用的开发者。',
    link: '/help/oauth-apps',
    linkText: '这是什么意思',
  },
  start_again: {
    title: '请从应用重新开始',
    detail:
      '此次登录已过期、已完成，或是在另一个浏览器中发起的。没有授予任何权限。请返回应用重新登录。',
    link: '/help/oauth-apps',
    linkText: '为什么会这样',
  },
  other_account: {
    title: '此次登录属于另一个账户',
    detail: '它是用另一个账户发起的，与当前登录的账户不同。没有授予任何权限。请返回应用重新开始。',
    link: '/help/oauth-apps',
    linkText: '为什么会这样',
  },
  not_inspecting: {
    title: '此地址仅用于测试应用',
    detail:
      '只有应用的所有者在此浏览器中打开流程检查器时，回应才会发到这里。没有授予任何权限。如果您是所有者，请在控制台打开该应用，选择“测试此应用”，然后重新开始。',
    link: '/apps',
    linkText: '您的应用',
  },
  account_suspended: {
    title: '您的账户已被停用',
    detail: '停用期间，应用无法获得访问权限。您可以在控制台查看原因并提交申诉。',
    link: '/cases',
    linkText: '查看原因',
  },
  logout_refused: {
    title: '无法接受此应用的退出登录请求',
    detail:
      '请求与该应用的注册信息不符，因此没有结束任何登录，也不会把您送往别处。您仍可以在此退出登录。下面的代码供应用的开发者参考。',
    link: '/oauth/logout',
    linkText: '在此退出登录',
  },
  logout_gone: {
    title: '此次退出登录已不再有效',
    detail: '它已过期、已完成，或是在另一个浏览器中发起的。如果您仍处于登录状态，可以在此退出。',
    link: '/oauth/logout',
    linkText: '在此退出登录',
  },
  unavailable: {
    title: '暂时不可用',
    detail: '服务的某个部分没有响应。请等待几秒后刷新此页面。',
    link: '/help/service-status',
    linkText: '服务状态',
  },
} as const satisfies Record<keyof typeof enPages, OAuthPageText>

export const scopeTexts = {
  openid: { title: '确认您的身份', description: '可以看到您账户的编号。' },
  profile: { title: '查看您的个人资料', description: '可以看到您的姓名和语言。' },
  email: { title: '查看您的邮箱地址', description: '可以看到邮箱地址及其是否已验证。' },
  phone: { title: '查看您的手机号码', description: '可以看到手机号码及其是否已验证。' },
  offline_access: {
    title: '保持连接',
    description: '您离开后仍保有访问权限，直到您在“已授权的应用”中将其收回。',
  },
  'models:read': { title: '查看模型', description: '列出您可以使用的模型。' },
  'chat:read': { title: '读取已存储的回答', description: '读取为您存储的回答。' },
  'chat:write': { title: '使用对话模型', description: '以您的名义发送提示词，会消耗额度。' },
  'embeddings:write': { title: '生成向量', description: '把文本转换为向量，会消耗额度。' },
  'images:write': { title: '生成图像', description: '生成图像，会消耗额度。' },
  'audio:write': { title: '使用音频模型', description: '转写与合成语音，会消耗额度。' },
  'usage:read': { title: '查看您的用量', description: '读取用量与费用。' },
  'keys:manage': {
    title: '管理 API 密钥',
    description: '创建、修改和吊销您的 API 密钥。请只授予您信任的应用。',
  },
} as const satisfies Record<keyof typeof enScopes, ScopeText>

export const resourceScopeText: typeof enResourceScope = ({ name, host }) =>
  `仅限于 ${name}（${host}）。`

export const appProblemTexts = {
  malformed: '这不是一个完整的 URL。',
  too_long: '长度超过 2,000 个字符。',
  control_character: '不允许使用空格、控制字符和反斜杠。',
  fragment: '请去掉“#”及其后的内容。',
  credentials: '请去掉用户名和密码。',
  wildcard: '不允许使用通配符，请逐一登记每个地址。',
  path_traversal: '路径中请勿包含“.”或“..”段。',
  not_canonical: '请使用规范写法：协议和主机名小写，不带默认端口。',
  plain_http: '请使用 https；只有 127.0.0.1、[::1] 和 localhost 可以使用 http。',
  private_scheme_needs_native: '只有原生应用可以使用自定义协议。',
  private_scheme_needs_dot: '请使用由您的域名构成的协议，例如 com.example.app。',
  scheme_refused: '任何情况下都不允许使用该协议。',
  unreachable:
    '我们无法连接到此地址：需要公网的 https 地址。若只在本机测试，可由运营者允许回环地址。',
  private_key: '这是私钥。请只登记公钥部分，并更换新的密钥：此密钥已经在传输中暴露。',
  key_unusable: '此密钥无法使用。签名密钥可为 EC P-256、2048 位及以上的 RSA 或 Ed25519。',
  keys_required: 'private_key_jwt 需要公钥：请填写公钥，或填写应用发布公钥的地址。',
  keys_twice: '公钥与公钥地址只能填写一项。',
  redirect_uri_required: '授权码流程至少需要一个重定向 URI。',
  secret_required: '此项需要客户端密钥，请选择 client_secret_basic 或 client_secret_post。',
  code_required: '刷新令牌必须与 authorization_code 一起使用。',
  unknown_scope: '其中有此处不存在的权限范围。',
} as const satisfies Record<AppProblem, string>

export const notByKeyText = '此应用不以密钥证明身份。'

export const logoProblemTexts = {
  too_large: '图片超过 64 KiB。',
  not_a_picture: '这不是 PNG、JPEG 或 WebP。不接受其他格式，包括 SVG。',
  broken: '文件已损坏，或除图片外还包含其他内容。请重新导出。',
  animated: '请使用静态图片。',
  wrong_size: '宽和高都必须在 16 到 1,024 像素之间。',
} as const satisfies Record<keyof typeof enLogoProblems, string>
