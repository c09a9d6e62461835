import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

const sha256 = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex')
const hmac = (key: string | Uint8Array, text: string) =>
  createHmac('sha256', key).update(text).digest()

/**
 * Checks an AWS Signature Version 4 the way the service does: every signed header, the body's hash,
 * the scope and the time. Answers the AWS error type, or null when the signature holds.
 */
export function sigV4Error(
  request: IncomingMessage,
  body: Uint8Array,
  by: {
    accessKeyId: string
    secretAccessKey: string
    region: string
    service: string
    now: number
  },
): string | null {
  const header = (name: string) => {
    const value = request.headers[name]
    return Array.isArray(value) ? value.join(',') : value
  }
  const given =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([\w;-]+), ?Signature=([0-9a-f]{64})$/.exec(
      header('authorization') ?? '',
    )
  if (given === null) return 'MissingAuthenticationTokenException'
  const [, accessKeyId = '', date = '', region = '', service = '', signed = '', signature = ''] =
    given
  if (accessKeyId !== by.accessKeyId) return 'UnrecognizedClientException'
  const at = header('x-amz-date') ?? ''
  const sentAt = Date.parse(
    at.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'),
  )
  const inTime = Math.abs(sentAt - by.now) < 15 * 60_000
  if (!inTime || !at.startsWith(date) || region !== by.region || service !== by.service)
    return 'InvalidSignatureException'
  const names = signed.split(';')
  if (!names.includes('host') || !names.includes('x-amz-date')) return 'InvalidSignatureException'
  const url = new URL(request.url ?? '/', 'http://host')
  const canonical = [
    request.method,
    url.pathname,
    [...url.searchParams]
      .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
      .sort()
      .join('&'),
    ...names.map((name) => `${name}:${(header(name) ?? '').trim().replace(/ +/g, ' ')}`),
    '',
    signed,
    sha256(body),
  ].join('\n')
  const scope = `${date}/${region}/${service}/aws4_request`
  const secret = [date, region, service, 'aws4_request'].reduce<string | Buffer>(
    (key, part) => hmac(key, part),
    `AWS4${by.secretAccessKey}`,
  )
  const right = hmac(secret, ['AWS4-HMAC-SHA256', at, scope, sha256(canonical)].join('\n'))
  return timingSafeEqual(right, Buffer.from(signature, 'hex')) ? null : 'InvalidSignatureException'
}
