/**
 * `@latchkey/sdk/vault`: stores sealed under a transit key of HashiCorp Vault or OpenBao, by plain
 * HTTP. No client is needed.
 */
export { type VaultTokenOptions, vaultToken } from './token.ts'
export { type VaultSealerOptions, vaultKeyService, vaultSealer } from './vault-sealer.ts'
