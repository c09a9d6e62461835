import type { Messages } from './en.ts'
import { distance, when } from './spans.ts'

const span = (ms: number) => {
  const { value, unit } = distance(ms)
  return `${value} ${{ s: '秒', min: '分钟', h: '小时', d: '天' }[unit]}`
}

export const zh: Messages = {
  common: {
    run: (command) => `请运行：${command}`,
    help: (link) => `帮助：${link}`,
    unknownCommand: (name) => `没有“${name}”这个命令。`,
    serverCommand: (name) => `“${name}”属于 Latchkey 服务器，不包含在此软件包中。`,
    serverCommandNext: '请在服务器自己的文件夹中运行：npx latchkey …',
    unknownOption: (name) => `这里没有选项 ${name}。`,
    optionValue: (name) => `${name} 缺少值，或值不合适。`,
    oneOf: (values) => `必须是以下之一：${values.join('、')}。`,
    notTogether: (one, other) => `${one} 和 ${other} 不能同时使用。`,
    tooManyArguments: (name) => `latchkey ${name} 的参数过多。`,
    argumentMissing: (name) => `latchkey ${name} 需要一个参数。`,
    secretInArguments: '密钥不能写在命令行上：本机的其他用户可以读到。',
    secretInArgumentsNext: '请放入 LATCHKEY_CLIENT_SECRET，或用 --secret-stdin 从标准输入传入。',
  },
  help: {
    usage: '<命令> [选项]',
    installation: '供 Latchkey 服务器的运营者使用（在其文件夹中）：',
    common: [
      '  --account NAME  使用哪个账户（也可用 --profile、LATCHKEY_ACCOUNT）',
      '  --issuer URL    该服务方的账户（也可用 LATCHKEY_ISSUER）',
      '  --json          在标准输出上以一个 JSON 文档给出结果',
      '  --quiet, -q     标准错误上只显示错误',
      '  --locale en|zh  语言；否则依据 LC_ALL、LC_MESSAGES 或 LANG',
      '  --help          帮助，也可用于单个命令',
      '  --version       版本',
    ],
    environment: [
      '登录信息保存在 LATCHKEY_CLI_DIR，默认为系统的状态文件夹。CI 中的应用无需登录：设置',
      'LATCHKEY_ISSUER、LATCHKEY_CLIENT_ID 和 LATCHKEY_CLIENT_SECRET 即可。NO_COLOR、HTTPS_PROXY、',
      'NO_PROXY、NODE_EXTRA_CA_CERTS 和 NODE_USE_SYSTEM_CA 的含义与平常相同。',
    ],
    exitCodes: [
      '退出码：0 完成，1 失败或发现问题，2 用法错误，3 需要登录（migrate --status：有待执行的迁移），',
      '4 网络或服务方不可用，5 被拒绝，6 凭据无法读写，130 和 143 被中断。',
      'exec：与所运行的命令相同，126 和 127 的含义与 shell 一致。',
    ],
  },
  commands: {
    login: {
      summary: '通过浏览器、设备代码登录，或以应用身份登录',
      help: [
        '打开浏览器，并在本机回环接口上等待。通过 SSH、在 CI 中或没有显示器时，会改为显示一个代码，',
        '供您在另一台设备上输入。没有客户端 ID 时，会自行向服务方注册。',
        '',
        '  --issuer URL          服务方；否则为当前账户的服务方，再否则为 http://localhost:4000',
        '  --account NAME        保存时使用的名称；否则为您的电子邮箱',
        '  --scope "A B"         申请这些权限范围，而不是通常的范围',
        '  --device, --browser   无论本机情况如何，使用代码或浏览器',
        '  --no-open             只打印链接',
        '  --timeout SECONDS     等待多久；浏览器方式为 300',
        '  --client-id ID        已注册的客户端',
        '  --secret-stdin        从标准输入读取其密钥并加密保存；或使用 LATCHKEY_CLIENT_SECRET，',
        '                        后者不会保存，每次使用时都须设置',
        '  --client-credentials  以应用自身登录，没有用户',
        '  --base-url URL        服务方不是 Latchkey 时供 exec 使用的 API',
        '  --localhost, --port N 用于要求重定向使用该名称或端口的服务方',
      ].join('\n'),
    },
    logout: {
      summary: '在服务方终止登录，并从本机删除',
      help: '无法连接服务方时仍会从本机删除，此时退出码为 4。--all 终止所有账户，并撤回本命令行的注册。',
    },
    whoami: {
      summary: '谁已登录、在哪里、到何时、如何保存',
      help: '只查看本机；--verify 还会询问服务方。需要登录时退出码为 3。',
    },
    accounts: { summary: '列出本机已登录的账户' },
    use: { summary: '将某个账户设为当前账户' },
    token: {
      summary: '打印有效的访问令牌，供脚本使用',
      help: '若剩余有效期少于 --min-life 秒（默认 300，最多为令牌有效期的一半），会先续期。无论多少个进程同时请求，只续期一次。',
    },
    exec: {
      summary: '以登录状态运行程序（OPENAI_BASE_URL、OPENAI_API_KEY）',
      help: [
        '程序连接的是 127.0.0.1 上的一扇门，它只让该程序进入，并为每个请求附上新的令牌；因此虽然令牌',
        '只有几分钟有效期，程序仍可运行数天。流式数据原样通过。信号、输入、输出和退出码都是程序自己的。',
        '',
        '  --base-url URL   使用账户之外的另一个 API',
        '  --token-in-env   直接交出令牌，用于无法访问 127.0.0.1 的程序，例如容器。它几分钟后失效，',
        '                   不会续期。',
      ].join('\n'),
    },
    doctor: {
      summary: '查找问题，并给出下一步',
      help: '不做任何更改。检查保存的登录、服务方、时钟、代理和证书；在服务器文件夹中还检查安装情况。--offline 不访问网络。有失败项时退出码为 1，仅有警告时为 0。',
    },
    scan: {
      summary: '在文件中查找泄露的密钥，不显示密钥本身',
      help: [
        '在给定路径（未给出时为当前文件夹）下的文件中，依据格式和校验和查找 API 密钥、客户端密钥和',
        '注册令牌。不询问任何服务。有发现时退出码为 1。跳过存放他人代码的文件夹，不跟随链接。',
        '',
        '  --tracked   只检查 git 跟踪的文件：即将被公开的内容',
        '  --all       检查所有文件夹，包括 node_modules 和 .git',
        '  -           从标准输入读取，例如：git log -p | latchkey scan -',
      ].join('\n'),
    },
    completion: {
      summary: '打印 bash、zsh 或 fish 的补全脚本',
      help: [
        '  bash: source <(latchkey completion bash)',
        '  zsh:  source <(latchkey completion zsh)',
        '  fish: latchkey completion fish | source',
      ].join('\n'),
    },
    serve: { summary: '启动服务；Ctrl-C 或 SIGTERM 会等请求完成后结束' },
    migrate: {
      summary: '把数据库升级到当前版本',
      help: '服务器启动时会自动执行，多个节点可以同时启动。使用 --status 时不做更改：退出码 3 表示有待执行的迁移。',
    },
    operatorCreate: {
      summary: '打印一次性链接，打开者成为运营者',
      help: '链接 24 小时内有效；同一地址的新链接会取代旧链接。服务器可以正在运行。链接是机密：谁打开它，谁就获得该角色。',
    },
    auditVerify: {
      summary: '校验审计日志，证明无人改动',
      help: '每一行都带有前一行的哈希。若有不符，会指出第一行，退出码为 1。服务器可以正在运行。',
    },
  },
  accounts: {
    nobody: '本机没有人登录。',
    nobodyAt: (issuer) => `本机没有人登录 ${issuer}。`,
    none: '本机没有人登录。请运行：latchkey login',
    unknown: (name) => `本机没有账户“${name}”。`,
    unknownAt: (name, issuer) => `账户“${name}”属于 ${issuer}，而不是您指定的签发者。`,
    unknownAtNext: '请去掉 --account 或 --issuer 之一。',
    known: (names) => `已登录的有：${names.join('、')}`,
    several: (names) => `有多个账户符合：${names.join('、')}。`,
    severalNext: '请用 --account 选择，或用 latchkey use 设定当前账户。',
    nowCurrent: (name) => `当前账户为“${name}”。`,
    issuerMalformed: '签发者必须是 http 或 https 地址，例如 https://id.example.org。',
    bookDamaged: '账户列表（accounts.json）无法识别。',
    bookPutAside: '账户列表无法识别，已保留为 accounts.json.damaged，并新建了一份。',
    secretDamaged: '保存的客户端密钥无法解开。',
    secretMissing: 'LATCHKEY_CLIENT_SECRET 中没有此客户端的密钥。',
    secretMissingNext: '请设置该变量，或用 --secret-stdin 重新登录以加密保存。',
    clientForgotten: '服务方已不认识本命令行：一个月未使用的注册会失效。',
  },
  login: {
    lookingUp: (issuer) => `正在查询 ${issuer} …`,
    link: (link) => `请在浏览器中继续。如果没有自动打开，请在本机打开此链接：\n\n  ${link}\n`,
    waitingForBrowser: (seconds) => `正在等待浏览器，最多 ${seconds} 秒`,
    device: (link, code, linkWithCode) =>
      [
        `请在任意设备上打开 ${link}，输入此代码：\n`,
        `  ${code}\n`,
        ...(linkWithCode ? [`或打开 ${linkWithCode} 并核对代码。\n`] : []),
        '只有当这是您自己发起的操作时，才可输入。',
      ].join('\n'),
    waitingForDevice: '正在等待您在那里允许',
    done: ({ who, name, issuer, dir, baseUrl, strong }) =>
      [
        `已以 ${strong(who)} 登录 ${issuer}。`,
        ...(who === name ? [] : [`在本机的名称为“${name}”。`]),
        `保存在 ${dir}`,
        ...(baseUrl ? ['试试：latchkey exec -- 您的程序'] : []),
      ].join('\n'),
    oldLivesOn: (issuer, detail) =>
      `之前的登录未能在 ${issuer} 终止（${detail}）：请在那里的“已连接的应用”中终止。`,
    clientIdMissing: '客户端凭据需要 --client-id 或 LATCHKEY_CLIENT_ID。',
    secretMissing: '客户端凭据需要客户端密钥。',
    secretMissingNext: '请放入 LATCHKEY_CLIENT_SECRET，或用 --secret-stdin 从标准输入传入。',
    typeSecret: '请输入或粘贴客户端密钥，然后按 Ctrl-D：',
    secretEmpty: '标准输入没有内容。',
    secretTooLong: '标准输入的内容过长，不像客户端密钥。',
    portTaken: (port: number) => `本命令行无法监听 127.0.0.1 的端口 ${port}。`,
    portTakenNext:
      '请用 --port 选择其他端口；如果服务方允许任意端口，也可省略该选项，自动使用空闲端口。',
  },
  logout: {
    ending: (name, issuer) => `正在 ${issuer} 终止“${name}”`,
    ended: (name, issuer) => `“${name}”已退出登录，本机和 ${issuer} 均已终止。`,
    unreachable: (name, issuer, detail) =>
      `“${name}”已在本机退出登录。无法连接 ${issuer}（${detail}）：请在那里的“已连接的应用”中终止。`,
    refused: (name, issuer, detail) =>
      `“${name}”已在本机退出登录。${issuer} 未接受（${detail}）：请查看那里的“已连接的应用”。`,
    notOffered: (name, issuer) =>
      `“${name}”已在本机退出登录。${issuer} 不提供终止登录的方式，令牌会在到期时失效。`,
    nothing: (name) => `“${name}”已删除，没有需要终止的登录。`,
    nobody: '本机没有人登录。',
  },
  token: { renewing: (issuer) => `正在向 ${issuer} 请求新的令牌` },
  whoami: {
    asking: (issuer) => `正在询问 ${issuer}`,
    account: '账户',
    email: '电子邮箱',
    issuer: '签发者',
    client: '客户端',
    registered: (id) => `${id}（自行注册）`,
    state: '状态',
    scopes: '权限范围',
    token: '令牌',
    baseUrl: 'API',
    storedIn: '保存在',
    protectedBy: '保护方式',
    tokenText: (expiresAt, now, renewable) => {
      if (expiresAt === null) return renewable ? '需要时获取' : '没有已知期限'
      const left = expiresAt - now
      const life = left > 0 ? `还有 ${span(left)}有效` : `${span(-left)}前已失效`
      return renewable ? `${life}，需要时自动续期` : `${life}，无法续期`
    },
  },
  states: {
    signed_in: '已登录',
    ending: '登录已终止，最后的令牌仍有效',
    ended: '登录已终止：请重新登录',
    absent: '未登录',
    damaged: '保存的登录已损坏：请重新登录',
    locked: '正在等待被锁定的系统钥匙串',
  },
  protection: {
    keychain: 'AES-256-GCM，密钥在系统钥匙串中',
    file: 'AES-256-GCM，密钥在同一文件夹的 local.key 文件中（权限 0600）：可防止令牌随零散副本泄露，但挡不住能读取该文件夹的人',
  },
  reasons: {
    expired: (at) => `刷新令牌已过期（${when(at)}）：长时间未使用，或登录时间过久。`,
    reused: (at) => `刷新令牌被使用了两次（${when(at)}）：另一个程序或机器持有此登录的副本。`,
    revoked: (at) =>
      `登录已在服务方终止（${when(at)}）：由您或运营者终止，或随其浏览器会话一同结束。`,
    suspended: (at) => `账户已被停用（${when(at)}）。`,
    client_mismatch: (at) => `刷新令牌属于另一个客户端或另一个密钥（${when(at)}）。`,
    interrupted: (at) => `续期在刷新令牌发出后被中断（${when(at)}），而服务方不给第二次机会。`,
    refused: (at) => `服务方拒绝了刷新令牌，未说明原因（${when(at)}）。`,
  },
  exec: {
    commandMissing: '请在两个短横线之后写明要运行的命令。',
    baseUrlMissing: '不知道此账户的 API 地址。',
    baseUrlMissingNext: '请用 --base-url 指定，或在 latchkey login --base-url 时指定一次。',
    baseUrlUnsafe: 'API 必须是 https 地址，http 仅限本机。',
    notFound: (program) => `${program}：找不到命令`,
    notExecutable: (program) => `${program}：无法执行`,
    unreachable: (detail) => `latchkey exec 无法连接 API（${detail}）。请运行：latchkey doctor`,
  },
  doctor: {
    looking: '正在检查',
    account: '账户',
    accountNamed: (name) => `账户 ${name}`,
    folder: '文件夹',
    folderAbsent: (dir) => `${dir} 尚不存在，首次登录时会创建`,
    folderForeign: (dir) => `${dir} 不是此用户的文件夹`,
    folderOpen: (dir) => `其他人可以查看 ${dir}`,
    folderRemote: '位于网络文件系统：可以使用，但某个进程意外结束时会让其他进程等待数秒',
    folderRemoteNext: '请把 LATCHKEY_CLI_DIR 设为本地磁盘上的文件夹，所有进程保持一致。',
    files: '文件',
    filesOpen: (names) => `其他人可以读取或拥有：${names.join('、')}`,
    atRest: '静态保护',
    storeUnreadable: (code) => `无法读取（${code}）`,
    storeNext: (dir) => `请把 ${dir} 及其内容归还给此用户，例如使用 chown -R。`,
    damaged: (detail) => `保存的登录无法打开（${detail}）`,
    earlier: '之前的一次登录已终止：',
    seenAt: (what, at) => `${what.replace(/。$/, '')}（${when(at)}）。`,
    by: (process) => `由进程 ${process} 发现。`,
    interrupted: '有一次续期被中断，尚未处理；下次使用时会处理',
    lockedNext: '请解锁钥匙串，通常登录桌面即可；或重新登录。',
    reusedNext: (again) => `请先停止使用此登录副本的程序，再重新登录。${again}`,
    suspendedNext: '请在浏览器中打开该账户，查看原因并可提交申诉。',
    proxy: '代理',
    proxyMalformed: (name: string) => `${name} 不是一个地址`,
    proxyNext: '请写成 http://host:port，或取消设置。',
    proxyAvoided: (issuer) => `${issuer} 不经过代理（NO_PROXY）`,
    proxyUsed: (issuer, host) => `${issuer} 经由 ${host} 连接`,
    proxyNone: '无',
    tls: 'TLS',
    tlsOff: 'NODE_TLS_REJECT_UNAUTHORIZED=0 关闭了所有证书检查',
    tlsOffNext: '请取消 NODE_TLS_REJECT_UNAUTHORIZED；公司证书请用 NODE_EXTRA_CA_CERTS 指定。',
    caMissing: (path) => `NODE_EXTRA_CA_CERTS 指向的 ${path} 不存在`,
    caMissingNext: '请更正 NODE_EXTRA_CA_CERTS 或取消设置。',
    plainHttp: (issuer) => `${issuer} 是明文 http：密钥会以可读形式传输`,
    plainHttpNext: '请使用服务方的 https 地址。',
    certificate: (issuer, days) => `证书由 ${issuer} 签发，还有 ${days} 天有效`,
    certificateRefused: (code, issuer) => `由 ${issuer} 签发的证书不受信任（${code}）`,
    certificateNext:
      '在公司代理之后，请设置 NODE_USE_SYSTEM_CA=1 或 NODE_EXTRA_CA_CERTS；否则请告知服务方。不要关闭检查。',
    provider: '服务方',
    unreachable: (url, code) => `无法连接 ${url}（${code}）`,
    unreachableNext: (code) =>
      ({
        ENOTFOUND: '请检查地址和 DNS，或连接 VPN。',
        EAI_AGAIN: '请检查网络连接和 DNS。',
        ECONNREFUSED: '那里没有服务在监听：服务在运行吗？端口正确吗？',
        ETIMEDOUT: '被防火墙丢弃，或需要代理：请设置 HTTPS_PROXY。',
      })[code] ?? '请检查网络连接；在此期间不会丢失任何内容。',
    notAProvider: (issuer, status) => `${issuer} 回应了 ${status}，但不是服务方`,
    notAProviderNext: (issuer) =>
      `请检查地址是否有误，或在浏览器中打开 ${issuer}：可能有网络登录页挡在中间。`,
    otherIssuer: (issuer, named) => `${issuer} 自称为 ${named}`,
    answers: (url, ms) => `${url} 在 ${ms} 毫秒内回应`,
    clock: '时钟',
    clockUnknown: '服务方没有给出时间',
    clockRight: '与服务方一致',
    clockApart: (seconds) => `比服务方${seconds > 0 ? '快' : '慢'} ${Math.abs(seconds)} 秒`,
    clockNext: '请通过网络（NTP）校准本机时钟。',
    client: '客户端',
    registrationGone: '服务方已不认识本命令行',
    registrationKnown: (id) => `注册为 ${id}`,
    api: 'API',
    apiFails: (url, status) => `${url} 回应了 ${status}`,
    apiFailsNext: '这是服务方的故障：请稍候，或查看其状态页。',
  },
  scan: {
    looking: '正在查找文件',
    stdinAlone: '标准输入（-）只能单独使用。',
    notGit: '--tracked 需要该处是 git 仓库，并已安装 git。',
    unreadable: (path) => `未能读取：${path}`,
    nothing: (files) => `${files} 个文件中没有密钥。`,
    kinds: { api_key: 'API 密钥', client_secret: '客户端密钥', registration_token: '注册令牌' },
    next: '读到的人都可以使用它们：请创建新的密钥，在控制台删除这些密钥，再从文件及其历史中移除。',
  },
  installation: {
    auditVerify: {
      whole: (events) => `审计日志完整：共 ${events} 行，每一行都与前一行相接。`,
      changed: (seq) =>
        `审计日志被改动：第 ${seq} 行与前一行不相接。自此之后的内容均不可信，请与备份比对。`,
    },
    migrate: {
      pending: (names) =>
        names.length === 0 ? '没有待执行的迁移。' : `待执行：${names.join('、')}`,
      applied: (names) =>
        names.length === 0 ? '没有待执行的迁移。' : `已执行：${names.join('、')}`,
    },
    operatorCreate: {
      emailMissing: '请写明邮箱地址。',
      notAnAddress: '这不是邮箱地址。',
      open: (role) => `请在 24 小时内打开此链接，成为 ${role}；链接只能使用一次：`,
    },
  },
}
