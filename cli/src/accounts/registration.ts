import { hostname } from 'node:os'
import {
  type Metadata,
  type Provider,
  ProviderMisconfigured,
  type Reach,
  type Registration,
  registerClient,
  registrationState,
  Secret,
} from '../../../sdk/src/index.ts'
import type { RegistrationEntry } from './book.ts'
import { type Keep, sealContext } from './keep.ts'

const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'
const path = '/callback'

/**
 * How this command line is known to the provider: as it registered itself last time, if the provider
 * still knows, else anew. Remembered at once, so that a sign-in that is begun again does not register
 * again. Throws `ProviderMisconfigured` where clients cannot register themselves.
 */
export async function ownRegistration(
  keep: Keep,
  provider: Provider,
  metadata: Metadata,
  reach: Reach,
): Promise<RegistrationEntry> {
  const { issuer } = provider
  const known = (await keep.book.read())?.registrations[issuer]
  if (known && (await stillKnown(keep, issuer, known, reach))) return known
  const made = await register(provider, metadata, reach)
  const entry: RegistrationEntry = {
    clientId: made.registration.clientId,
    host: made.host,
    grantTypes: made.registration.grantTypes,
    scope: made.registration.scope,
    registeredAt: Date.now(),
    manage: await sealed(keep, issuer, made.registration),
  }
  await keep.book.change((book) => {
    book.registrations[issuer] = entry
  })
  return entry
}

/** The means to manage a registration, opened; null where there are none or the seal is broken. */
export async function manageOf(
  keep: Keep,
  issuer: string,
  { clientId, manage }: RegistrationEntry,
): Promise<NonNullable<Registration['manage']> | null> {
  if (manage === null) return null
  try {
    const context = sealContext.registration(issuer, clientId)
    return {
      url: manage.url,
      token: new Secret(await keep.sealer.open(context, manage.sealedToken)),
    }
  } catch {
    return null
  }
}

export const mayUseDeviceCodes = ({ grantTypes }: RegistrationEntry): boolean =>
  grantTypes?.includes(deviceGrant) ?? true

async function stillKnown(keep: Keep, issuer: string, known: RegistrationEntry, reach: Reach) {
  const manage = await manageOf(keep, issuer, known)
  // Providers without a place to ask at rarely forget; one that did is told by its refusal.
  return manage === null || (await registrationState(manage, reach)) !== 'gone'
}

async function sealed(
  keep: Keep,
  issuer: string,
  { clientId, manage }: Registration,
): Promise<RegistrationEntry['manage']> {
  if (manage === null) return null
  const context = sealContext.registration(issuer, clientId)
  return { url: manage.url, sealedToken: await keep.sealer.seal(context, manage.token.reveal()) }
}

/** By the address of the loopback interface (RFC 8252 section 7.3), else by its name. */
async function register(provider: Provider, metadata: Metadata, reach: Reach) {
  const offered = metadata.grant_types_supported
  const device = metadata.device_authorization_endpoint !== undefined
  const grantTypes = ['authorization_code', 'refresh_token', ...(device ? [deviceGrant] : [])]
  const by = (redirectUris: string[]) =>
    registerClient(
      provider,
      {
        client_name: `Latchkey CLI on ${hostname()}`.slice(0, 80),
        redirect_uris: redirectUris,
        grant_types: offered ? grantTypes.filter((type) => offered.includes(type)) : grantTypes,
        response_types: ['code'],
        token_endpoint_auth_method: 'none',
        application_type: 'native',
      },
      reach,
    )
  try {
    const registration = await by([`http://127.0.0.1${path}`, `http://localhost${path}`])
    return { registration, host: '127.0.0.1' as const }
  } catch (error) {
    if (!(error instanceof ProviderMisconfigured) || error.detail !== 'invalid_redirect_uri')
      throw error
    return { registration: await by([`http://localhost${path}`]), host: 'localhost' as const }
  }
}
