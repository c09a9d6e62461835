import * as oauth from 'oauth4webapi'
import type { Context } from '../context.ts'
import type { TokenSet } from '../credentials/credential.ts'
import {
  LatchkeyError,
  ProviderMisconfigured,
  ProviderUnavailable,
  SignInFailed,
} from '../errors/errors.ts'
import { pause } from '../platform/clock.ts'
import { clientAuth, protocolClient, requestOptions } from '../provider/client.ts'
import { newSignIn, resourceParameter } from '../provider/grants.ts'
import { redeem } from '../provider/redeem.ts'
import { failureText, isSafeUrl, sentOrNot } from '../provider/wire.ts'
import { tokensOf } from './finish.ts'

/** What to show: open `link` on any device and type `code` (or open `linkWithCode`). */
export type DevicePrompt = {
  link: string
  linkWithCode: string | null
  code: string
  expiresAt: number
}

export type DeviceOptions = {
  account?: string
  scopes?: string[]
  /** Called once, before waiting. */
  onPrompt: (prompt: DevicePrompt) => void
  signal?: AbortSignal
}

/**
 * Sign-in for terminals without a browser (RFC 8628). Asks at the provider's pace, five seconds
 * slower after each `slow_down` (section 3.5) and doubly slow after a lost reply.
 */
export async function signInByDevice(
  context: Context,
  options: DeviceOptions & { account: string },
): Promise<TokenSet> {
  const { clock, voice, wire, client: clientOptions } = context
  const metadata = await context.provider.metadata(wire, voice)
  if (metadata.device_authorization_endpoint === undefined)
    throw new ProviderMisconfigured(
      'provider_misconfigured',
      { detail: 'the provider offers no device code' },
      voice,
    )
  const client = () => protocolClient(clientOptions, wire)
  const scopes = options.scopes ?? context.scopes
  let prompt: oauth.DeviceAuthorizationResponse
  try {
    const response = await oauth.deviceAuthorizationRequest(
      metadata,
      client(),
      clientAuth(clientOptions, metadata),
      {
        ...(scopes.length > 0 ? { scope: scopes.join(' ') } : {}),
        ...resourceParameter(context),
      },
      requestOptions(wire, metadata.device_authorization_endpoint, options.signal),
    )
    prompt = await oauth.processDeviceAuthorizationResponse(metadata, client(), response)
  } catch (error) {
    options.signal?.throwIfAborted()
    if (error instanceof LatchkeyError) throw error.speaking(voice)
    if (error instanceof oauth.ResponseBodyError)
      throw new ProviderMisconfigured(
        'provider_misconfigured',
        { detail: error.error, said: error.error_description ?? null, cause: error },
        voice,
      )
    throw new ProviderUnavailable(
      'provider_unavailable',
      { detail: failureText(error), outcome: sentOrNot(error), cause: error },
      voice,
    )
  }
  // These are printed in a terminal: addresses have to be web pages, and nothing may steer it.
  const link = webPage(prompt.verification_uri)
  const linkWithCode = webPage(prompt.verification_uri_complete)
  if (link === null || !/^[\x20-\x7e]{1,64}$/.test(prompt.user_code))
    throw new ProviderMisconfigured(
      'provider_misconfigured',
      { detail: 'the device prompt cannot be shown' },
      voice,
    )
  const expiresAt = clock.now() + prompt.expires_in * 1_000
  const deadline = clock.monotonic() + prompt.expires_in * 1_000
  options.onPrompt({
    link,
    linkWithCode,
    code: prompt.user_code,
    expiresAt,
  })
  const result = await newSignIn(context, async (proof) => {
    let intervalMs = (prompt.interval ?? 5) * 1_000
    while (clock.monotonic() + intervalMs < deadline) {
      await pause(clock, intervalMs, options.signal)
      const result = await redeem(
        () =>
          oauth.deviceCodeGrantRequest(
            metadata,
            client(),
            clientAuth(clientOptions, metadata),
            prompt.device_code,
            { ...requestOptions(wire, metadata.token_endpoint, options.signal), ...proof },
          ),
        (response) => oauth.processDeviceCodeResponse(metadata, client(), response),
        clock,
        null,
      )
      options.signal?.throwIfAborted()
      if (!result.ok && result.kind === 'refused') {
        if (result.error === 'authorization_pending') continue
        if (result.error === 'slow_down') {
          intervalMs += 5_000
          continue
        }
        if (result.error === 'expired_token') break
      }
      if (!result.ok && result.kind === 'busy') {
        intervalMs = Math.max(intervalMs, result.retryAfterMs ?? intervalMs * 2)
        continue
      }
      if (!result.ok && result.kind === 'lost') {
        intervalMs = Math.min(60_000, intervalMs * 2)
        continue
      }
      return result
    }
    throw new SignInFailed('sign_in_timeout', {}, voice)
  })
  return tokensOf(context, result, options.account)
}

/** The address percent-encoded, or null for anything but https, and http on this machine. */
function webPage(text: string | undefined): string | null {
  if (text === undefined || !URL.canParse(text)) return null
  const url = new URL(text)
  return isSafeUrl(url) ? url.href : null
}
