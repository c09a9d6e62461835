import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { sigV4Error } from './sigv4.ts'

type KeyState = 'Enabled' | 'Disabled' | 'PendingDeletion'

export type KmsCall = {
  operation: string
  keyId: string | null
  context: Record<string, string>
  /** The AWS error type, or null for success. */
  error: string | null
}

/** One thing that goes wrong: an AWS error, a connection that breaks, or one that never answers. */
export type KmsFault = { error: string; status?: number } | 'reset' | 'hang'

/**
 * AWS KMS as its client sees it, on a free port of 127.0.0.1: GenerateDataKey, Decrypt and ReEncrypt
 * in AWS JSON 1.1, with every signature checked, encryption contexts bound to the ciphertext, and
 * keys that can be disabled or scheduled for deletion. Point a real client at `config()`.
 */
export class FakeKms {
  readonly calls: KmsCall[] = []
  readonly faults: KmsFault[] = []
  /** Whom the key policy refuses: called with every operation. Default: nobody. */
  refuses: (call: Omit<KmsCall, 'error'>) => boolean = () => false
  readonly region = 'eu-west-1'
  readonly credentials = {
    accessKeyId: 'AKIDEXAMPLE',
    secretAccessKey: randomBytes(20).toString('hex'),
  }
  readonly #keys = new Map<string, { state: KeyState; material: Buffer }>()
  readonly #aliases = new Map<string, string>()
  #server: Server | null = null

  /** Makes a key and answers its ARN. */
  createKey(alias?: string): string {
    const arn = `arn:aws:kms:${this.region}:111122223333:key/${randomBytes(8).toString('hex')}`
    this.#keys.set(arn, { state: 'Enabled', material: randomBytes(32) })
    if (alias !== undefined) this.#aliases.set(`alias/${alias}`, arn)
    return arn
  }

  setState(arn: string, state: KeyState): void {
    const key = this.#keys.get(arn)
    if (!key) throw new Error(`no key ${arn}`)
    key.state = state
  }

  async listen(): Promise<string> {
    this.#server = createServer(async (request, response) => {
      const chunks: Uint8Array[] = []
      for await (const chunk of request) chunks.push(chunk as Uint8Array)
      const fault = this.faults.shift()
      if (fault === 'hang') return
      if (fault === 'reset') return void response.destroy()
      const { status, body } = fault
        ? failed(fault.error, fault.status ?? 400)
        : this.#answer(request, Buffer.concat(chunks))
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' })
      response.end(JSON.stringify(body))
    })
    await new Promise<void>((resolve) => this.#server?.listen(0, '127.0.0.1', resolve))
    return this.endpoint
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server?.address() as AddressInfo).port}`
  }

  /** For `new KMSClient(…)` or `kmsSealer({ config })`. */
  config() {
    return { endpoint: this.endpoint, region: this.region, credentials: this.credentials }
  }

  async close(): Promise<void> {
    this.#server?.closeAllConnections()
    await new Promise<void>((resolve) =>
      this.#server ? this.#server.close(() => resolve()) : resolve(),
    )
  }

  #answer(request: IncomingMessage, raw: Buffer): { status: number; body: unknown } {
    const by = { ...this.credentials, region: this.region, service: 'kms', now: Date.now() }
    const unsigned = sigV4Error(request, raw, by)
    if (unsigned) return failed(unsigned, 400)
    const operation = String(request.headers['x-amz-target']).replace('TrentService.', '')
    const input = JSON.parse(raw.toString()) as KmsInput
    const context = input.EncryptionContext ?? input.SourceEncryptionContext ?? {}
    const keyId = input.KeyId ?? input.DestinationKeyId ?? null
    const call = { operation, keyId, context }
    const answer = this.refuses(call)
      ? failed('AccessDeniedException', 400)
      : this.#perform(operation, input, keyId, context)
    const { __type: error } = answer.body as { __type?: string }
    this.calls.push({ ...call, error: error ?? null })
    return answer
  }

  #perform(
    operation: string,
    input: KmsInput,
    keyId: string | null,
    context: Record<string, string>,
  ) {
    try {
      switch (operation) {
        case 'GenerateDataKey': {
          const plain = randomBytes(32)
          const { arn, blob } = this.#encrypt(keyId, plain, context)
          const Plaintext = plain.toString('base64')
          return succeeded({ KeyId: arn, Plaintext, CiphertextBlob: blob })
        }
        case 'Decrypt': {
          const { arn, plain } = this.#decrypt(input.CiphertextBlob, context)
          if (keyId !== null && this.#resolve(keyId) !== arn)
            throw new Refusal('IncorrectKeyException')
          return succeeded({ KeyId: arn, Plaintext: plain.toString('base64') })
        }
        case 'ReEncrypt': {
          const { arn: from, plain } = this.#decrypt(input.CiphertextBlob, context)
          const { arn, blob } = this.#encrypt(keyId, plain, input.DestinationEncryptionContext)
          return succeeded({ KeyId: arn, SourceKeyId: from, CiphertextBlob: blob })
        }
        default:
          throw new Refusal('UnknownOperationException')
      }
    } catch (error) {
      if (error instanceof Refusal) return failed(error.message, 400)
      throw error
    }
  }

  #resolve(keyId: string | null): string {
    const arn = this.#aliases.get(keyId ?? '') ?? keyId ?? ''
    const key = this.#keys.get(arn)
    if (!key) throw new Refusal('NotFoundException')
    if (key.state === 'Disabled') throw new Refusal('DisabledException')
    if (key.state === 'PendingDeletion') throw new Refusal('KMSInvalidStateException')
    return arn
  }

  #encrypt(keyId: string | null, plain: Buffer, context: Record<string, string> = {}) {
    const arn = this.#resolve(keyId)
    const iv = randomBytes(12)
    const material = this.#keys.get(arn)?.material ?? randomBytes(32)
    const cipher = createCipheriv('aes-256-gcm', material, iv).setAAD(canonical(context))
    const body = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
    const blob = Buffer.from(JSON.stringify([arn, iv.toString('hex'), body.toString('hex')]))
    return { arn, blob: blob.toString('base64') }
  }

  #decrypt(blob: string | undefined, context: Record<string, string>) {
    let arn: string
    let iv: string
    let body: string
    try {
      ;[arn, iv, body] = JSON.parse(Buffer.from(blob ?? '', 'base64').toString()) as [
        string,
        string,
        string,
      ]
    } catch {
      throw new Refusal('InvalidCiphertextException')
    }
    const material = this.#keys.get(this.#resolve(arn))?.material ?? randomBytes(32)
    const sealed = Buffer.from(body, 'hex')
    try {
      const cipher = createDecipheriv('aes-256-gcm', material, Buffer.from(iv, 'hex'))
        .setAAD(canonical(context))
        .setAuthTag(sealed.subarray(-16))
      return { arn, plain: Buffer.concat([cipher.update(sealed.subarray(0, -16)), cipher.final()]) }
    } catch {
      throw new Refusal('InvalidCiphertextException') // KMS says no more about a wrong context
    }
  }
}

type KmsInput = {
  KeyId?: string
  DestinationKeyId?: string
  CiphertextBlob?: string
  EncryptionContext?: Record<string, string>
  SourceEncryptionContext?: Record<string, string>
  DestinationEncryptionContext?: Record<string, string>
}

/** The message is the AWS error type. */
class Refusal extends Error {}

const succeeded = (body: unknown) => ({ status: 200, body })
const failed = (__type: string, status: number) => ({
  status,
  body: { __type, message: `${__type} of the fake` },
})
const canonical = (context: Record<string, string>) =>
  Buffer.from(JSON.stringify(Object.entries(context).sort()))
