import { distance, when } from './spans.ts'

/** Every sentence of the command line, in English. `zh` is typed by it. */
const span = (ms: number) => {
  const { value, unit } = distance(ms)
  return `${value} ${{ s: 's', min: 'min', h: 'h', d: value === 1 ? 'day' : 'days' }[unit]}`
}

export const en = {
  common: {
    run: (command: string) => `Run: ${command}`,
    help: (link: string) => `Help: ${link}`,
    unknownCommand: (name: string) => `There is no command “${name}”.`,
    serverCommand: (name: string) =>
      `“${name}” belongs to the Latchkey server, which is not part of this package.`,
    serverCommandNext: 'Run it in the server’s own folder: npx latchkey …',
    unknownOption: (name: string) => `There is no option ${name} here.`,
    optionValue: (name: string) => `${name} has no value, or one that does not fit.`,
    oneOf: (values: readonly string[]) => `It has to be one of ${values.join(', ')}.`,
    notTogether: (one: string, other: string) => `${one} and ${other} do not go together.`,
    tooManyArguments: (name: string) => `latchkey ${name} takes fewer arguments.`,
    argumentMissing: (name: string) => `latchkey ${name} needs an argument.`,
    secretInArguments:
      'Secrets do not belong on the command line: other users of this machine can read it.',
    secretInArgumentsNext: 'Put it into LATCHKEY_CLIENT_SECRET, or pipe it in with --secret-stdin.',
  },
  help: {
    usage: '<command> [options]',
    installation: 'For whoever runs a Latchkey server (in its folder):',
    common: [
      '  --account NAME  which account, where a command is about one (also --profile, LATCHKEY_ACCOUNT)',
      '  --issuer URL    the account of this provider (also LATCHKEY_ISSUER)',
      '  --json          the result as one JSON document on stdout',
      '  --quiet, -q     nothing on stderr but errors',
      '  --locale en|zh  the language; otherwise LC_ALL, LC_MESSAGES or LANG',
      '  --help          help, also of one command',
      '  --version       the version',
    ],
    environment: [
      'Sign-ins are kept in LATCHKEY_CLI_DIR, by default the state folder of your system. An app in CI',
      'needs no sign-in: LATCHKEY_ISSUER, LATCHKEY_CLIENT_ID and LATCHKEY_CLIENT_SECRET. NO_COLOR,',
      'HTTPS_PROXY, NO_PROXY, NODE_EXTRA_CA_CERTS and NODE_USE_SYSTEM_CA mean what they always mean.',
    ],
    exitCodes: [
      'Exit codes: 0 done, 1 failed or something is wrong, 2 wrong usage, 3 sign-in required (migrate',
      '--status: something is pending), 4 network or provider away, 5 refused, 6 credentials cannot be',
      'read or written, 130 and 143 interrupted. exec: those of the command, 126 and 127 as a shell.',
    ],
  },
  commands: {
    login: {
      summary: 'Sign in by browser, by device code, or as an app',
      help: [
        'Opens the browser and waits for it on the loopback interface. Over SSH, in CI and without a',
        'display it shows a code to enter on another device instead. Without a client id it registers',
        'itself at the provider.',
        '',
        '  --issuer URL          the provider; otherwise the current account’s, else http://localhost:4000',
        '  --account NAME        the name to keep it under; otherwise your e-mail address',
        '  --scope "A B"         what to ask for instead of the usual',
        '  --device, --browser   by code, or by browser, whatever this machine looks like',
        '  --no-open             print the link only',
        '  --timeout SECONDS     how long to wait; 300 in the browser',
        '  --client-id ID        a client that is registered already',
        '  --secret-stdin        its secret from stdin, kept sealed; or from LATCHKEY_CLIENT_SECRET,',
        '                        which is not kept and has to be set at each use',
        '  --client-credentials  sign the app itself in, no person',
        '  --base-url URL        the API for exec, where the provider is not Latchkey',
        '  --localhost, --port N for providers that insist on that name or port in the redirect',
      ].join('\n'),
    },
    logout: {
      summary: 'End a sign-in at the provider, and forget it here',
      help: 'When the provider cannot be reached it is forgotten here all the same, and the exit code is 4. --all ends every account and takes the registrations of this command line back.',
    },
    whoami: {
      summary: 'Who is signed in, where, until when, and how it is kept',
      help: 'Looks at this machine only; --verify asks the provider as well. Exit code 3 when a sign-in is needed.',
    },
    accounts: { summary: 'List the accounts that are signed in here' },
    use: { summary: 'Make an account the current one' },
    token: {
      summary: 'Print a living access token, for scripts',
      help: 'Renews it first when it would live less than --min-life seconds (300; half a token’s life at most). However many processes ask at once, one renewal is made.',
    },
    exec: {
      summary: 'Run a program that is signed in (OPENAI_BASE_URL, OPENAI_API_KEY)',
      help: [
        'The program talks to a door on 127.0.0.1 that lets only it in and puts a fresh token on each',
        'request, so it may run for days although a token lives for minutes. Streams pass through.',
        'Signals, input, output and exit code are the program’s.',
        '',
        '  --base-url URL   another API than the account’s',
        '  --token-in-env   hand the token itself over, for programs that cannot reach 127.0.0.1, such',
        '                   as containers. It ends after a few minutes, and is not renewed.',
      ].join('\n'),
    },
    doctor: {
      summary: 'Look for what is wrong, and say the one next step',
      help: 'Changes nothing. Looks at stored sign-ins, provider, clock, proxies and certificates; in the server’s folder also at the installation. --offline asks no network. Exit code 1 when something fails; warnings alone are 0.',
    },
    scan: {
      summary: 'Find leaked keys in files, without showing them',
      help: [
        'Looks through the files below the paths (this folder when there is none) for API keys, client',
        'secrets and registration tokens, told by their form and checksum. Asks nobody. Exit code 1 when',
        'something is found. Folders of other people’s code are left out; links are not followed.',
        '',
        '  --tracked   only what git tracks: what would be published',
        '  --all       every folder, node_modules and .git as well',
        '  -           from stdin, such as: git log -p | latchkey scan -',
      ].join('\n'),
    },
    completion: {
      summary: 'Print completion for bash, zsh or fish',
      help: [
        '  bash: source <(latchkey completion bash)',
        '  zsh:  source <(latchkey completion zsh)',
        '  fish: latchkey completion fish | source',
      ].join('\n'),
    },
    serve: { summary: 'Serve everything; Ctrl-C or SIGTERM drains and ends it' },
    migrate: {
      summary: 'Bring the database to this version',
      help: 'The server does this by itself at its start; several nodes may start together. With --status nothing is changed: exit code 3 says that something is pending.',
    },
    operatorCreate: {
      summary: 'Print a one-time link that makes its holder an operator',
      help: 'The link works for 24 hours; a new one for the same address replaces it. The server may be running. The link is a secret: whoever opens it gets the role.',
    },
    auditVerify: {
      summary: 'Walk the audit log and prove that nobody has changed it',
      help: 'Each line carries the hash of the one before. Names the first line that does not follow; exit code 1 then. The server may be running.',
    },
  },
  accounts: {
    nobody: 'Nobody is signed in here.',
    nobodyAt: (issuer: string) => `Nobody is signed in here with ${issuer}.`,
    none: 'Nobody is signed in here. Run: latchkey login',
    unknown: (name: string) => `There is no account “${name}” here.`,
    unknownAt: (name: string, issuer: string) =>
      `The account “${name}” is at ${issuer}, not at the issuer you named.`,
    unknownAtNext: 'Leave out --account or --issuer.',
    known: (names: readonly string[]) => `Signed in are: ${names.join(', ')}`,
    several: (names: readonly string[]) => `Several accounts fit: ${names.join(', ')}.`,
    severalNext: 'Choose one by --account, or make one the current one by latchkey use.',
    nowCurrent: (name: string) => `“${name}” is the current account.`,
    issuerMalformed:
      'The issuer has to be an http or https address, such as https://id.example.org.',
    bookDamaged: 'The list of accounts (accounts.json) cannot be understood.',
    bookPutAside:
      'The list of accounts could not be understood. It is kept as accounts.json.damaged; a new one begins.',
    secretDamaged: 'The kept client secret does not open.',
    secretMissing: 'The secret of this client is not in LATCHKEY_CLIENT_SECRET.',
    secretMissingNext: 'Set it, or sign in again with --secret-stdin to have it kept sealed.',
    clientForgotten:
      'The provider no longer knows this command line: a registration that is not used for a month lapses.',
  },
  login: {
    lookingUp: (issuer: string) => `Looking up ${issuer} …`,
    link: (link: string) =>
      `Continue in your browser. If it does not open by itself, open this link on this machine:\n\n  ${link}\n`,
    waitingForBrowser: (seconds: number) => `Waiting for the browser, at most ${seconds} s`,
    device: (link: string, code: string, linkWithCode: string | null) =>
      [
        `Open ${link} on any device and enter this code:\n`,
        `  ${code}\n`,
        ...(linkWithCode ? [`Or open ${linkWithCode} and compare the code.\n`] : []),
        'Enter it only if you started this yourself.',
      ].join('\n'),
    waitingForDevice: 'Waiting until you have allowed it there',
    done: (by: {
      who: string
      name: string
      issuer: string
      dir: string
      baseUrl: string | null
      strong: (text: string) => string
    }) =>
      [
        `Signed in to ${by.issuer} as ${by.strong(by.who)}.`,
        ...(by.who === by.name ? [] : [`It is called “${by.name}” here.`]),
        `Kept in ${by.dir}`,
        ...(by.baseUrl ? ['Try: latchkey exec -- YOUR-PROGRAM'] : []),
      ].join('\n'),
    oldLivesOn: (issuer: string, detail: string) =>
      `The sign-in that was here before could not be ended at ${issuer} (${detail}): end it there under “Connected apps”.`,
    clientIdMissing: 'Client credentials need --client-id or LATCHKEY_CLIENT_ID.',
    secretMissing: 'Client credentials need the client secret.',
    secretMissingNext: 'Put it into LATCHKEY_CLIENT_SECRET, or pipe it in with --secret-stdin.',
    typeSecret: 'Type or paste the client secret, then Ctrl-D:',
    secretEmpty: 'Nothing came by stdin.',
    secretTooLong: 'What came by stdin is too long for a client secret.',
    portTaken: (port: number) => `This command line cannot listen on port ${port} of 127.0.0.1.`,
    portTakenNext:
      'Choose another by --port, or leave it out for a free one, where the provider allows any port.',
  },
  logout: {
    ending: (name: string, issuer: string) => `Ending “${name}” at ${issuer}`,
    ended: (name: string, issuer: string) => `“${name}” is signed out, here and at ${issuer}.`,
    unreachable: (name: string, issuer: string, detail: string) =>
      `“${name}” is signed out here. ${issuer} could not be reached (${detail}): end the app there under “Connected apps”.`,
    refused: (name: string, issuer: string, detail: string) =>
      `“${name}” is signed out here. ${issuer} did not accept it (${detail}): look there under “Connected apps”.`,
    notOffered: (name: string, issuer: string) =>
      `“${name}” is signed out here. ${issuer} offers no way to end a sign-in; its tokens end when they expire.`,
    nothing: (name: string) => `“${name}” is forgotten; nothing was left to end.`,
    nobody: 'Nobody was signed in here.',
  },
  token: { renewing: (issuer: string) => `Asking ${issuer} for a fresh token` },
  whoami: {
    asking: (issuer: string) => `Asking ${issuer}`,
    account: 'Account',
    email: 'E-mail',
    issuer: 'Issuer',
    client: 'Client',
    registered: (id: string) => `${id} (registered itself)`,
    state: 'State',
    scopes: 'Scopes',
    token: 'Token',
    baseUrl: 'API',
    storedIn: 'Kept in',
    protectedBy: 'Protected by',
    tokenText: (expiresAt: number | null, now: number, renewable: boolean) => {
      if (expiresAt === null) return renewable ? 'asked for when needed' : 'no known end'
      const left = expiresAt - now
      const life = left > 0 ? `lives ${span(left)} more` : `ended ${span(-left)} ago`
      return renewable ? `${life}, renewed when needed` : `${life}, cannot be renewed`
    },
  },
  states: {
    signed_in: 'signed in',
    ending: 'ended; the last token still lives',
    ended: 'ended: sign in again',
    absent: 'not signed in',
    damaged: 'stored sign-in damaged: sign in again',
    locked: 'waits for the locked keychain of the system',
  },
  protection: {
    keychain: 'AES-256-GCM, key in the keychain of the system',
    file: 'AES-256-GCM, key in the file local.key of the same folder (mode 0600): keeps tokens out of stray copies, not from who can read the folder',
  },
  /** Why a refresh token was refused, as the provider said or as we judged. */
  reasons: {
    expired: (at: number) =>
      `The refresh token had expired (${when(at)}): not used for too long, or the sign-in was too old.`,
    reused: (at: number) =>
      `The refresh token was used twice (${when(at)}): another program or machine has a copy of this sign-in.`,
    revoked: (at: number) =>
      `The sign-in was ended at the provider (${when(at)}): by you, by an operator, or with its browser session.`,
    suspended: (at: number) => `The account was suspended (${when(at)}).`,
    client_mismatch: (at: number) =>
      `The refresh token belongs to another client or another key (${when(at)}).`,
    interrupted: (at: number) =>
      `A renewal was cut off after the refresh token had left (${when(at)}), and the provider gives no second chance.`,
    refused: (at: number) =>
      `The provider refused the refresh token without saying why (${when(at)}).`,
  },
  exec: {
    commandMissing: 'Say what to run, behind two dashes.',
    baseUrlMissing: 'No API is known for this account.',
    baseUrlMissingNext: 'Name it by --base-url, or once at latchkey login --base-url.',
    baseUrlUnsafe: 'The API has to be an https address; http is for this machine only.',
    notFound: (program: string) => `${program}: command not found`,
    notExecutable: (program: string) => `${program}: cannot be executed`,
    unreachable: (detail: string) =>
      `latchkey exec could not reach the API (${detail}). Run: latchkey doctor`,
  },
  doctor: {
    looking: 'Looking around',
    account: 'account',
    accountNamed: (name: string) => `account ${name}`,
    folder: 'folder',
    folderAbsent: (dir: string) => `${dir} does not exist yet; the first sign-in makes it`,
    folderForeign: (dir: string) => `${dir} is not a folder of this user`,
    folderOpen: (dir: string) => `others may look into ${dir}`,
    folderRemote:
      'it is on a network file system: that works, but a process that dies holds the others up for seconds',
    folderRemoteNext:
      'Set LATCHKEY_CLI_DIR to a folder on a local disk, the same for all processes.',
    files: 'files',
    filesOpen: (names: readonly string[]) => `others may read, or own: ${names.join(', ')}`,
    atRest: 'at rest',
    storeUnreadable: (code: string) => `cannot be read (${code})`,
    storeNext: (dir: string) =>
      `Give ${dir} and what is in it to this user, for example by chown -R.`,
    damaged: (detail: string) => `the stored sign-in cannot be opened (${detail})`,
    earlier: 'An earlier sign-in ended:',
    seenAt: (what: string, at: number) => `${what.replace(/\.$/, '')} (${when(at)}).`,
    by: (process: string) => `Seen by process ${process}.`,
    interrupted: 'a renewal was cut off and is not resolved yet; the next use resolves it',
    lockedNext: 'Unlock the keychain, usually by signing in to the desktop; or sign in again.',
    reusedNext: (again: string) =>
      `Stop whatever uses a copy of this sign-in, then sign in again. ${again}`,
    suspendedNext:
      'Open the account in the browser: it shows the reason, and you can appeal there.',
    proxy: 'proxy',
    proxyMalformed: (name: string) => `${name} is not an address`,
    proxyNext: 'Write it as http://host:port, or unset it.',
    proxyAvoided: (issuer: string) => `${issuer} is reached without one (NO_PROXY)`,
    proxyUsed: (issuer: string, host: string) => `${issuer} is reached through ${host}`,
    proxyNone: 'none',
    tls: 'TLS',
    tlsOff: 'NODE_TLS_REJECT_UNAUTHORIZED=0 switches every certificate check off',
    tlsOffNext:
      'Unset NODE_TLS_REJECT_UNAUTHORIZED; name a company’s certificate by NODE_EXTRA_CA_CERTS.',
    caMissing: (path: string) => `NODE_EXTRA_CA_CERTS names ${path}, which does not exist`,
    caMissingNext: 'Correct NODE_EXTRA_CA_CERTS or unset it.',
    plainHttp: (issuer: string) => `${issuer} is plain http: secrets would travel readable`,
    plainHttpNext: 'Use the https address of the provider.',
    certificate: (issuer: string, days: number) =>
      `certificate by ${issuer}, valid ${days} days more`,
    certificateRefused: (code: string, issuer: string) =>
      `the certificate, by ${issuer}, is not trusted (${code})`,
    certificateNext:
      'Behind a company proxy set NODE_USE_SYSTEM_CA=1 or NODE_EXTRA_CA_CERTS; otherwise tell the provider. Do not switch the check off.',
    provider: 'provider',
    unreachable: (url: string, code: string) => `${url} cannot be reached (${code})`,
    unreachableNext: (code: string) =>
      ({
        ENOTFOUND: 'Check the address and the DNS, or connect to the VPN.',
        EAI_AGAIN: 'Check the network connection and the DNS.',
        ECONNREFUSED: 'Nothing listens there: is the service running, and is the port right?',
        ETIMEDOUT: 'A firewall drops it, or a proxy is needed: set HTTPS_PROXY.',
      })[code] ??
      'Check the network connection; latchkey logs nothing and loses nothing meanwhile.',
    notAProvider: (issuer: string, status: number) =>
      `${issuer} answers ${status}, but not as a provider`,
    notAProviderNext: (issuer: string) =>
      `Check the address for a typing error, or open ${issuer} in a browser: a login page of the network may be in between.`,
    otherIssuer: (issuer: string, named: string) => `${issuer} calls itself ${named}`,
    answers: (url: string, ms: number) => `${url} answers in ${ms} ms`,
    clock: 'clock',
    clockUnknown: 'the provider does not say what time it is',
    clockRight: 'agrees with the provider',
    clockApart: (seconds: number) =>
      `${Math.abs(seconds)} s ${seconds > 0 ? 'ahead of' : 'behind'} the provider’s`,
    clockNext: 'Set the clock of this machine by the network (NTP).',
    client: 'client',
    registrationGone: 'the provider no longer knows this command line',
    registrationKnown: (id: string) => `registered as ${id}`,
    api: 'API',
    apiFails: (url: string, status: number) => `${url} answers ${status}`,
    apiFailsNext: 'That is a fault on the provider’s side: wait, or look at its status page.',
  },
  scan: {
    looking: 'Looking through the files',
    stdinAlone: 'stdin (-) stands alone.',
    notGit: '--tracked needs a git repository there, and git.',
    unreadable: (path: string) => `not read: ${path}`,
    nothing: (files: number) => `No keys in ${files} ${files === 1 ? 'file' : 'files'}.`,
    kinds: {
      api_key: 'API key',
      client_secret: 'client secret',
      registration_token: 'registration token',
    },
    next: 'Whoever has read them can use them: create new ones, delete these in the console, then remove them from the files and their history.',
  },
  installation: {
    auditVerify: {
      whole: (events: number) =>
        `The audit log is whole: ${events} lines, each follows from the one before.`,
      changed: (seq: number) =>
        `The audit log was changed: line ${seq} does not follow from the one before. Everything from there on is in doubt; compare with a backup.`,
    },
    migrate: {
      pending: (names: readonly string[]) =>
        names.length === 0 ? 'Nothing is pending.' : `Pending: ${names.join(', ')}`,
      applied: (names: readonly string[]) =>
        names.length === 0 ? 'Nothing was pending.' : `Applied: ${names.join(', ')}`,
    },
    operatorCreate: {
      emailMissing: 'Name the address.',
      notAnAddress: 'That is not a mail address.',
      open: (role: string) => `Open this link within 24 hours to become ${role}; it works once:`,
    },
  },
}

export type Messages = typeof en
