// biome-ignore lint/suspicious/noTsIgnore: an error is expected only where the peer is not installed
/** @ts-ignore: an optional peer, and `any` without it */
import type { KMSClient, KMSClientConfig } from '@aws-sdk/client-kms'
import {
  type EnvelopeOptions,
  type EnvelopeSealer,
  envelopeSealer,
  type KeyService,
  type Owner,
} from '../credentials/envelope.ts'
import { KeyServiceError, type KeyTrouble } from '../errors/errors.ts'
import { base64, fromBase64 } from '../platform/bytes.ts'
import { failureText } from '../provider/wire.ts'

export type KmsSealerOptions = EnvelopeOptions & {
  /**
   * A symmetric key: ARN, id, or `alias/…`. By ARN or id only that very key opens; an alias may be
   * moved to another key, and what the old one sealed still opens while that one exists.
   */
  keyId: string
  /** Your client. Default: one made from the usual AWS settings when first needed. */
  client?: KMSClient
  /** For the default client, such as `region` and `endpoint`. */
  config?: KMSClientConfig
  /** For one request, the client's own retries included. Default 5 000. */
  timeoutMs?: number
}

/**
 * Seals a store under an AWS KMS key (GenerateDataKey, Decrypt; ReEncrypt to rewrap). The encryption
 * context names issuer, client, account (hashed) and resource, so a key policy may require them and a
 * data key of one account does not unwrap for another. Needs `@aws-sdk/client-kms`, which is loaded
 * when first used.
 */
export const kmsSealer = (options: KmsSealerOptions): EnvelopeSealer =>
  envelopeSealer(kmsKeyService(options), options)

export function kmsKeyService(options: Omit<KmsSealerOptions, keyof EnvelopeOptions>): KeyService {
  const { keyId, timeoutMs = 5_000 } = options
  const pinned = keyId.startsWith('alias/') || keyId.includes(':alias/') ? {} : { KeyId: keyId }
  let loaded: Promise<Loaded> | null = null
  const load = () => {
    if (loaded === null) {
      const asked = loadClient(options)
      loaded = asked
      asked.catch(() => {
        loaded = null
      })
    }
    return loaded
  }
  const ask = async <T>(send: (by: Loaded, signal: AbortSignal) => Promise<T>): Promise<T> => {
    try {
      return await send(await load(), AbortSignal.timeout(timeoutMs))
    } catch (error) {
      throw judge(error)
    }
  }
  return {
    name: 'kms',
    generate: (owner) =>
      ask(async ({ sdk, client }, abortSignal) => {
        const command = new sdk.GenerateDataKeyCommand({
          KeyId: keyId,
          KeySpec: 'AES_256',
          EncryptionContext: contextOf(owner),
        })
        const { Plaintext, CiphertextBlob } = await client.send(command, { abortSignal })
        return { plain: bytes(Plaintext), wrapped: base64(bytes(CiphertextBlob)) }
      }),
    async unwrap(wrapped, owner) {
      const CiphertextBlob = fromBase64(wrapped) // outside: what is no base64 is damage
      return ask(async ({ sdk, client }, abortSignal) => {
        const EncryptionContext = contextOf(owner)
        const command = new sdk.DecryptCommand({ ...pinned, CiphertextBlob, EncryptionContext })
        return bytes((await client.send(command, { abortSignal })).Plaintext)
      })
    },
    async rewrap(wrapped, owner) {
      const CiphertextBlob = fromBase64(wrapped)
      return ask(async ({ sdk, client }, abortSignal) => {
        const command = new sdk.ReEncryptCommand({
          CiphertextBlob,
          DestinationKeyId: keyId,
          SourceEncryptionContext: contextOf(owner),
          DestinationEncryptionContext: contextOf(owner),
        })
        return base64(bytes((await client.send(command, { abortSignal })).CiphertextBlob))
      })
    },
  }
}

type Loaded = { sdk: typeof import('@aws-sdk/client-kms'); client: KMSClient }

async function loadClient(options: Pick<KmsSealerOptions, 'client' | 'config'>): Promise<Loaded> {
  let sdk: typeof import('@aws-sdk/client-kms')
  try {
    sdk = await import('@aws-sdk/client-kms')
  } catch (cause) {
    const detail = 'npm install @aws-sdk/client-kms'
    throw new KeyServiceError('misconfigured', { detail, cause })
  }
  return { sdk, client: options.client ?? new sdk.KMSClient(options.config ?? {}) }
}

/** As key policies see it: `kms:EncryptionContext:latchkey:issuer` and so on. */
const contextOf = (owner: Owner): Record<string, string> =>
  Object.fromEntries(Object.entries(owner).map(([name, value]) => [`latchkey:${name}`, value]))

function bytes(value: Uint8Array | undefined): Uint8Array<ArrayBuffer> {
  if (value === undefined) throw new Error('KMS answered without the bytes asked for')
  return value as Uint8Array<ArrayBuffer> // of the client's own making, never shared memory
}

/** The client names its errors by class; which of them is which trouble. */
const troubles: Record<string, KeyTrouble> = {
  ThrottlingException: 'busy',
  TooManyRequestsException: 'busy',
  LimitExceededException: 'busy',
  KMSInternalException: 'away',
  DependencyTimeoutException: 'away',
  KeyUnavailableException: 'away',
  DisabledException: 'disabled',
  KMSInvalidStateException: 'pending',
  NotFoundException: 'unknown',
  AccessDeniedException: 'denied',
  UnrecognizedClientException: 'denied',
  InvalidSignatureException: 'denied',
  IncompleteSignatureException: 'denied',
  ExpiredTokenException: 'denied',
  InvalidGrantTokenException: 'denied',
  MissingAuthenticationTokenException: 'denied',
}

/** Not what this key made for this owner: damage, not trouble of the service. */
const foreign = new Set(['InvalidCiphertextException', 'IncorrectKeyException'])

function judge(error: unknown): unknown {
  if (error instanceof KeyServiceError) return error
  if (!(error instanceof Error) || foreign.has(error.name)) return stripped(error)
  const { $metadata } = error as { $metadata?: { httpStatusCode?: number } }
  const status = $metadata?.httpStatusCode
  const detail = error.name === 'Error' ? failureText(error) : error.name
  return new KeyServiceError(troubleOf(error, status), { detail, cause: error })
}

function troubleOf(error: Error, status: number | undefined): KeyTrouble {
  const known = troubles[error.name]
  if (known) return known
  if (status === 429) return 'busy'
  if (status !== undefined && status >= 500) return 'away'
  if (status !== undefined) return 'misconfigured'
  // Nothing came back: the network, or nothing could be sent (no region, no credentials, no client).
  const { code } = error as { code?: unknown }
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return 'away'
  return typeof code === 'string' && !code.startsWith('ERR_') ? 'away' : 'misconfigured'
}

/** Without the `code` that would make stores take damage for trouble. */
const stripped = (error: unknown): Error =>
  new Error(error instanceof Error ? error.name : 'KMS failed', { cause: error })
