/**
 * `@latchkey/sdk/kms`: stores sealed under a key that never leaves AWS KMS. The AWS client is loaded
 * when the first credential is sealed or opened, never at import.
 */
export { type KmsSealerOptions, kmsKeyService, kmsSealer } from './kms-sealer.ts'
