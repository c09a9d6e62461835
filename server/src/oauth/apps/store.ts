import type { AppSecret, AppSettings, ClientDocument, OAuthApp } from './app.ts'

export type AppStore = {
  insert(app: OAuthApp): Promise<void>
  find(clientId: string): Promise<OAuthApp | null>
  findAll(clientIds: readonly string[]): Promise<OAuthApp[]>
  /** Newest first. */
  listByOrganizations(organizationIds: readonly string[]): Promise<OAuthApp[]>
  /** Self-registered ones last used, or else created, before this. */
  listLapsed(before: number, limit: number): Promise<OAuthApp[]>
  /** Writes a client that its document describes, new or changed; `lastUsedAt` stays. */
  putDescribed(app: OAuthApp & { document: ClientDocument }): Promise<void>
  update(clientId: string, settings: AppSettings, now: number): Promise<boolean>
  /** Adds a secret; the ones before it end at `othersUntil` unless they end sooner. */
  addSecret(clientId: string, secret: AppSecret, othersUntil: number): Promise<void>
  /** Adds a secret that has its own end and touches no other, and forgets lent ones that have ended. */
  lendSecret(clientId: string, secret: AppSecret): Promise<void>
  removeSecret(clientId: string, digest: string): Promise<void>
  /** Those of any app whose end has come: replaced by newer ones, or lent. */
  removeEndedSecrets(now: number): Promise<void>
  touch(clientId: string, now: number): Promise<void>
  remove(clientId: string): Promise<boolean>
}
