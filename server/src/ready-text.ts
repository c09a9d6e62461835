import { type Config, insecurities } from './config.ts'

/** What the first lines tell beyond the configuration. */
export type Welcome = {
  /** Present while nobody is operator yet. A credential: printed once, never logged. */
  operatorLink: string | null
}

/** What a developer reads when everything is up: where, who, and what to change before others use it. */
export function readyText(config: Config, welcome: Welcome): string {
  const rows: [string, string][] = [
    ['Console', config.origin],
    ['API base URL', `${config.origin}/v1`],
    ...(welcome.operatorLink
      ? [['Operator link', `${welcome.operatorLink}  (works once)`] as [string, string]]
      : []),
    ['Data', `${config.dataDir} (${config.databaseUrl ? 'PostgreSQL' : 'SQLite'})`],
    [
      'Mail',
      config.smtpUrl
        ? 'sent by LATCHKEY_SMTP_URL'
        : `nothing is sent; read it at ${config.origin}/dev/outbox`,
    ],
    [
      'Models',
      config.upstreams.length > 0
        ? `${config.upstreams.map((upstream) => upstream.name).join(', ')}`
        : 'the built-in demo model; set LATCHKEY_UPSTREAMS for real ones',
    ],
    ...config.resources.map(({ name, resource }): [string, string] => [
      'Tokens for',
      `${name}: ${resource}`,
    ]),
  ]
  const width = Math.max(...rows.map(([name]) => name.length))
  const advice = insecurities(config).map(
    (line) => `  ${/\bmust\b/.test(line) ? 'MUST  ' : 'SHOULD'}  ${line}`,
  )
  return [
    '',
    `Latchkey is ready: ${config.origin}`,
    '',
    ...rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`),
    '',
    ...(advice.length > 0 ? ['Development mode. Before others use it:', ...advice, ''] : []),
    'Ctrl-C stops it.',
    '',
    '',
  ].join('\n')
}
