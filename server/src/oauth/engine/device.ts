import { second } from '#platform/clock/clock.ts'
import { scopeList } from '../scopes.ts'

/** What the engine keeps of a device that waits for its person (RFC 8628 section 3.2). */
type StoredDevice = {
  clientId: string
  params: { scope?: string; resource?: string | string[] }
  deviceInfo?: { address?: string; userAgent?: string }
}

export type DeviceAsks = {
  clientId: string
  scopes: readonly string[]
  /** The resource indicator as the client wrote it. */
  resource: string
  /** Where the request came from. */
  address: string
  /** What the device says it is. */
  userAgent: string
}

/** The engine wrote the payload; its form is checked nowhere else. */
export function deviceAsks(payload: object): DeviceAsks {
  const { clientId, params, deviceInfo } = payload as StoredDevice
  const [resource = ''] = [params.resource ?? []].flat()
  return {
    clientId,
    scopes: scopeList(params.scope),
    resource,
    address: deviceInfo?.address ?? '',
    userAgent: deviceInfo?.userAgent ?? '',
  }
}

/** What the engine's own page would have written when the person said yes. */
export function allowedDevice(
  payload: object,
  yes: { accountId: string; grantId: string; authenticatedAt: number; amr: readonly string[] },
): object {
  const { params } = payload as StoredDevice
  return {
    ...payload,
    accountId: yes.accountId,
    grantId: yes.grantId,
    amr: yes.amr,
    authTime: Math.floor(yes.authenticatedAt / second),
    // The engine wants a session; this access hangs on its grant alone.
    sessionUid: yes.grantId,
    sid: yes.grantId,
    scope: params.scope,
    resource: [params.resource ?? []].flat()[0],
  }
}

export const deniedDevice = (payload: object): object => ({
  ...payload,
  error: 'access_denied',
  errorDescription: 'the person said no',
})
