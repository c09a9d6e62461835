import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs'
import { isIP } from 'node:net'
import { resolve } from 'node:path'
import { z } from 'zod'
import { Secret } from '#platform/crypto/secret.ts'
import type { LogLevel } from '#platform/log/log.ts'
import {
  Complaint,
  parseResources,
  parseUpstreams,
  type ResourceSetting,
  type UpstreamSetting,
} from './config-lists.ts'

export type { ModelPrice, ResourceSetting, UpstreamSetting } from './config-lists.ts'

/**
 * Everything that can be set. Read once at the start; no other file reads `process.env`. A JSON
 * file named by `LATCHKEY_CONFIG` may hold the same names; the environment wins.
 */
export type Config = Readonly<{
  mode: 'development' | 'production'
  origin: string
  host: string
  port: number
  dataDir: string
  databaseUrl: Secret | null
  redisUrl: Secret | null
  smtpUrl: Secret | null
  mailFrom: string
  upstreams: readonly UpstreamSetting[]
  resources: readonly ResourceSetting[]
  operator: Readonly<{ email: string; password: Secret }> | null
  rootKey: Secret | null
  keyPrefix: string
  trustedProxies: readonly string[]
  metricsToken: Secret | null
  hashConcurrency: number
  deviceLimit: number
  devicePolicy: DevicePolicy
  /** Null: the file that comes with Latchkey. `off`: none. */
  geoDb: string | null
  drainSeconds: number
  loopbackFetch: boolean
  logLevel: LogLevel
}>

/** What a sign-in on one device too many does: ask which to end, end the oldest, or be refused. */
export type DevicePolicy = 'ask' | 'end-oldest' | 'refuse'

/** A setting as README and docs list it; `test/docs` compares. */
type Setting = { meaning: string; default: string }

export const settings = {
  LATCHKEY_MODE: {
    meaning: '`development` or `production`; production refuses insecure settings',
    default: 'development',
  },
  LATCHKEY_ORIGIN: {
    meaning:
      'the public address, scheme and host alone; every link and the OAuth issuer are built from it',
    default: 'http://localhost:4000',
  },
  LATCHKEY_HOST: {
    meaning: 'address to listen on',
    default: '127.0.0.1 in development, :: in production',
  },
  LATCHKEY_PORT: {
    meaning: 'port to listen on, 0–65535',
    default: 'the port of the origin, else 4000',
  },
  LATCHKEY_DATA_DIR: {
    meaning: 'folder of the embedded database, the root key and the usage journal',
    default: './data',
  },
  LATCHKEY_DATABASE_URL: {
    meaning: '`postgres://…` instead of the embedded SQLite',
    default: 'none',
  },
  LATCHKEY_REDIS_URL: {
    meaning: '`redis://…`, carries events between several nodes and remembers used DPoP proofs',
    default: 'none: what ends on one node may work on another for a minute more',
  },
  LATCHKEY_SMTP_URL: {
    meaning: '`smtp://user:password@host:port` or `smtps://…` for mail',
    default: 'none: mail stays in the outbox',
  },
  LATCHKEY_MAIL_FROM: {
    meaning: 'sender of mail',
    default: 'Latchkey <no-reply@ the origin’s host>',
  },
  LATCHKEY_UPSTREAMS: {
    meaning: 'JSON list of model servers, or the path of a file that holds it',
    default: 'none: the built-in demo model answers',
  },
  LATCHKEY_RESOURCES: {
    meaning:
      'JSON list of servers beside the gateway that take access tokens, such as MCP servers, or the path of a file that holds it',
    default: 'none: tokens are for the gateway',
  },
  LATCHKEY_OPERATOR_EMAIL: {
    meaning: 'with LATCHKEY_OPERATOR_PASSWORD: creates the first operator at the first start',
    default: 'none: a one-time link is printed',
  },
  LATCHKEY_OPERATOR_PASSWORD: { meaning: 'password of that operator', default: 'none' },
  LATCHKEY_ROOT_KEY: {
    meaning: '32 bytes in base64; the same on every node',
    default: 'the file root.key in the data folder',
  },
  LATCHKEY_KEY_PREFIX: { meaning: 'start of API keys, 2–20 of a–z, 0–9 and -', default: 'sk-lk' },
  LATCHKEY_TRUSTED_PROXIES: {
    meaning: 'comma-separated addresses or CIDR ranges whose X-Forwarded-For counts',
    default: 'none',
  },
  LATCHKEY_METRICS_TOKEN: {
    meaning: 'bearer token for /metrics; without one only loopback may read it',
    default: 'none',
  },
  LATCHKEY_HASH_CONCURRENCY: {
    meaning: 'password hashes at once, 1–64',
    default: 'cores − 1, at least 1',
  },
  LATCHKEY_DEVICE_LIMIT: {
    meaning: 'devices of one account that may be signed in at once, 1–1000',
    default: '20',
  },
  LATCHKEY_DEVICE_POLICY: {
    meaning:
      'sign-in beyond that: `ask` which to end, `end-oldest` (least recently seen) or `refuse`',
    default: 'ask',
  },
  LATCHKEY_GEO_DB: {
    meaning:
      'an own file in MaxMind’s format (.mmdb) that tells countries by network address; read anew when it changes; `off`: countries are not told',
    default: 'the file that comes with Latchkey',
  },
  LATCHKEY_DRAIN_SECONDS: {
    meaning: 'how long streams may finish after SIGTERM, 0–600',
    default: '30',
  },
  LATCHKEY_LOOPBACK_FETCH: {
    meaning:
      '`allow` lets apps on this machine name http and loopback URLs for us to fetch; development only',
    default: 'refuse',
  },
  LATCHKEY_LOG_LEVEL: { meaning: 'debug, info, warn, error or silent', default: 'info' },
  LATCHKEY_CONFIG: { meaning: 'path of a JSON file with any of these names', default: 'none' },
} as const satisfies Record<string, Setting>

export type SettingName = keyof typeof settings
type Environment = Readonly<Record<string, string | undefined>>

/** Names that clients and our tests read; whoever exports them may start a server in the same shell. */
const forOthers =
  /^LATCHKEY_(TEST_[A-Z_]+|API_KEY|BASE_URL|CLIENT_ID|CLIENT_SECRET|ISSUER|ACCOUNT|CLI_[A-Z]+)$/

export type ConfigResult = { ok: true; config: Config } | { ok: false; problems: string[] }

/**
 * Reads and judges all settings at once and names every problem; values never appear in it, for
 * they may be secrets. `cores` is the machine's core count.
 */
export function readConfig(environment: Environment, cores: number): ConfigResult {
  const problems: string[] = []
  const merged = withFile(environment, problems)
  for (const name of Object.keys(merged))
    if (name.startsWith('LATCHKEY_') && !(name in settings) && !forOthers.test(name))
      problems.push(`${name} is not a setting of Latchkey`)

  const read = <T>(name: SettingName, fallback: T, parse: (text: string) => T): T => {
    const text = merged[name]
    if (text === undefined || text === '') return fallback
    try {
      return parse(text)
    } catch (error) {
      problems.push(`${name} ${error instanceof Complaint ? error.message : 'cannot be read'}`)
      return fallback
    }
  }

  const mode = read('LATCHKEY_MODE', 'development', oneOf(['development', 'production']))
  const origin = read('LATCHKEY_ORIGIN', 'http://localhost:4000', parseOrigin)
  const originUrl = new URL(origin)
  const email = read<string | null>(
    'LATCHKEY_OPERATOR_EMAIL',
    null,
    matching(/^[^@\s]+@[^@\s]+$/, 'is not a mail address'),
  )
  const password = read<Secret | null>(
    'LATCHKEY_OPERATOR_PASSWORD',
    null,
    (text) => new Secret(text),
  )
  if ((email === null) !== (password === null))
    problems.push('LATCHKEY_OPERATOR_EMAIL and LATCHKEY_OPERATOR_PASSWORD belong together')

  const config: Config = Object.freeze({
    mode,
    origin,
    host: read(
      'LATCHKEY_HOST',
      mode === 'production' ? '::' : '127.0.0.1',
      matching(/^[\w.:-]+$/, 'is not an address'),
    ),
    port: read('LATCHKEY_PORT', originUrl.port ? Number(originUrl.port) : 4000, integer(0, 65_535)),
    dataDir: resolve(merged.LATCHKEY_DATA_DIR || './data'),
    databaseUrl: read('LATCHKEY_DATABASE_URL', null, urlOf(['postgres:', 'postgresql:'])),
    redisUrl: read('LATCHKEY_REDIS_URL', null, urlOf(['redis:', 'rediss:'])),
    smtpUrl: read('LATCHKEY_SMTP_URL', null, urlOf(['smtp:', 'smtps:'])),
    mailFrom: read(
      'LATCHKEY_MAIL_FROM',
      `Latchkey <no-reply@${originUrl.hostname}>`,
      matching(/^[^\r\n@]+@[^\r\n@]+$/, 'must be one mail address, with a name before it or not'),
    ),
    upstreams: read('LATCHKEY_UPSTREAMS', [], parseUpstreams),
    resources: read('LATCHKEY_RESOURCES', [], (text) => parseResources(text, origin)),
    operator: email && password ? Object.freeze({ email, password }) : null,
    rootKey: read<Secret | null>('LATCHKEY_ROOT_KEY', null, parseRootKeySetting),
    keyPrefix: read(
      'LATCHKEY_KEY_PREFIX',
      'sk-lk',
      matching(/^[a-z][a-z0-9-]{1,19}$/, 'must be 2 to 20 of a-z, 0-9 and -'),
    ),
    trustedProxies: read('LATCHKEY_TRUSTED_PROXIES', [], parseNetworks),
    metricsToken: read<Secret | null>('LATCHKEY_METRICS_TOKEN', null, (text) => new Secret(text)),
    hashConcurrency: read('LATCHKEY_HASH_CONCURRENCY', Math.max(1, cores - 1), integer(1, 64)),
    deviceLimit: read('LATCHKEY_DEVICE_LIMIT', 20, integer(1, 1_000)),
    devicePolicy: read(
      'LATCHKEY_DEVICE_POLICY',
      'ask' as DevicePolicy,
      oneOf(['ask', 'end-oldest', 'refuse']),
    ),
    geoDb: read('LATCHKEY_GEO_DB', null, parseGeoDb),
    drainSeconds: read('LATCHKEY_DRAIN_SECONDS', 30, integer(0, 600)),
    loopbackFetch:
      read('LATCHKEY_LOOPBACK_FETCH', 'refuse', oneOf(['refuse', 'allow'])) === 'allow',
    logLevel: read(
      'LATCHKEY_LOG_LEVEL',
      'info' as LogLevel,
      oneOf(['debug', 'info', 'warn', 'error', 'silent']),
    ),
  })
  if (mode === 'production') problems.push(...insecurities(config))
  return problems.length > 0 ? { ok: false, problems } : { ok: true, config }
}

/** What production refuses; development says it as advice at the start. */
export function insecurities(config: Config): string[] {
  const found: string[] = []
  if (!config.origin.startsWith('https://'))
    found.push('LATCHKEY_ORIGIN must be https in production')
  if (config.smtpUrl === null)
    found.push('LATCHKEY_SMTP_URL must be set in production: codes have to arrive')
  if (config.metricsToken && config.metricsToken.reveal().length < 16)
    found.push('LATCHKEY_METRICS_TOKEN must have 16 characters or more')
  if (config.rootKey && isGuessable(config.rootKey.reveal()))
    found.push('LATCHKEY_ROOT_KEY must be random, such as what `openssl rand -base64 32` prints')
  if (config.trustedProxies.some((range) => range.endsWith('/0')))
    found.push('LATCHKEY_TRUSTED_PROXIES trusts every address, so that anybody may pose as another')
  if (config.operator && config.operator.password.reveal().length < 15)
    found.push('LATCHKEY_OPERATOR_PASSWORD must have 15 characters or more')
  if (config.loopbackFetch)
    found.push('LATCHKEY_LOOPBACK_FETCH must not be `allow` in production: it opens this machine')
  if (config.redisUrl && !config.databaseUrl)
    found.push('LATCHKEY_REDIS_URL joins several nodes, which need LATCHKEY_DATABASE_URL')
  if (config.databaseUrl && config.rootKey === null)
    found.push('LATCHKEY_ROOT_KEY must be set with PostgreSQL, so that every node has the same')
  for (const upstream of config.upstreams)
    if (upstream.apiKey && upstream.baseUrl.startsWith('http:') && !isLoopback(upstream.baseUrl))
      found.push(`LATCHKEY_UPSTREAMS: ${upstream.name} would send its key over plain http`)
  if (
    config.resources.some(({ resource }) => resource.startsWith('http:') && !isLoopback(resource))
  )
    found.push('LATCHKEY_RESOURCES: tokens would be sent over plain http')
  return found
}

/** 32 random bytes hold some 30 different ones, and are not all letters; a pattern or a sentence is. */
function isGuessable(base64: string): boolean {
  const bytes = Buffer.from(base64, 'base64')
  return new Set(bytes).size < 16 || bytes.every((byte) => byte >= 32 && byte < 127)
}

const isLoopback = (url: string) =>
  /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(url).hostname)

function withFile(environment: Environment, problems: string[]): Environment {
  const path = environment.LATCHKEY_CONFIG
  if (!path) return environment
  try {
    const content = z
      .record(z.string(), z.union([z.string(), z.number()]))
      .parse(JSON.parse(readFileSync(path, 'utf8')))
    const fromFile = Object.fromEntries(
      Object.entries(content).map(([name, value]) => [name, String(value)]),
    )
    for (const name of Object.keys(fromFile))
      if (!(name in settings))
        problems.push(`${name} in LATCHKEY_CONFIG is not a setting of Latchkey`)
    return { ...fromFile, ...environment }
  } catch {
    problems.push('LATCHKEY_CONFIG does not name a readable JSON file of settings')
    return environment
  }
}

const oneOf =
  <const T extends string>(values: readonly T[]) =>
  (text: string): T => {
    const found = values.find((value) => value === text)
    if (found === undefined) throw new Complaint(`must be one of ${values.join(', ')}`)
    return found
  }

const integer = (min: number, max: number) => (text: string) => {
  const value = Number(text)
  if (!Number.isInteger(value) || value < min || value > max)
    throw new Complaint(`must be a whole number from ${min} to ${max}`)
  return value
}

const matching = (pattern: RegExp, complaint: string) => (text: string) => {
  if (!pattern.test(text)) throw new Complaint(complaint)
  return text
}

const urlOf = (protocols: readonly string[]) => (text: string) => {
  const url = URL.parse(text)
  // PostgreSQL over a socket names no host before the path but `?host=/run/postgresql`.
  const somewhere = url && (url.hostname !== '' || url.searchParams.has('host'))
  if (!url || !somewhere || !protocols.includes(url.protocol))
    throw new Complaint(`must be a URL starting with ${protocols[0]}//`)
  return new Secret(text)
}

function parseOrigin(text: string): string {
  const url = URL.parse(text)
  const named = url && /^https?:$/.test(url.protocol) && url.origin === text.replace(/\/$/, '')
  if (!named || !/^[\w.:[\]-]+$/.test(url.hostname))
    throw new Complaint('must be scheme and host alone, such as https://ai.example.com')
  return url.origin
}

function parseRootKeySetting(text: string): Secret {
  // Buffer.from leaves out what is no base64; the setting may not.
  if (!/^[\w+/-]{43}=?$/.test(text) || Buffer.from(text, 'base64').length !== 32)
    throw new Complaint('must be 32 bytes in base64')
  return new Secret(text)
}

/** Looks for the marker that every such file has near its end, and reads no more of it. */
function parseGeoDb(text: string): string {
  if (text === 'off') return text
  const path = resolve(text)
  const file = openSync(path, 'r')
  try {
    const { size } = statSync(path)
    const end = Buffer.alloc(Math.min(size, 128 * 1024))
    readSync(file, end, 0, end.length, size - end.length)
    if (!end.includes('\xab\xcd\xefMaxMind.com', 0, 'latin1'))
      throw new Complaint('does not name a file in MaxMind’s format')
    return path
  } finally {
    closeSync(file)
  }
}

const parseNetworks = (text: string): string[] =>
  text.split(',').map((part) => {
    const network = part.trim()
    const [address = '', length, ...more] = network.split('/')
    const longest = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1
    const fits = length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= longest)
    if (longest < 0 || !fits || more.length > 0)
      throw new Complaint(
        'must be addresses or CIDR ranges, such as 10.0.0.0/8, with commas between',
      )
    return network
  })
