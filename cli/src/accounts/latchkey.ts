import type { Metadata } from '../../../sdk/src/index.ts'

/** Latchkey names its documentation (RFC 8414 section 2), and its API is beside it. */
export const isLatchkey = ({ issuer, service_documentation }: Metadata): boolean =>
  service_documentation === `${issuer}/help`

/** Where an account's programs call models; null: its provider is another one. */
export const apiOf = (metadata: Metadata): string | null =>
  isLatchkey(metadata) ? `${metadata.issuer}/v1` : null

export const helpOf = (metadata: Metadata): string | null =>
  isLatchkey(metadata) ? `${metadata.issuer}/help/` : null
