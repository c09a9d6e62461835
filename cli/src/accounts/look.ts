import type { Death } from '../../../sdk/src/credentials/credential.ts'
import type { Stored } from '../../../sdk/src/credentials/store.ts'
import { StoreLocked } from '../../../sdk/src/errors/errors.ts'
import type { Chosen } from './choose.ts'
import { bindingOf, type Keep } from './keep.ts'

/**
 * What the store says about an account, without asking anybody: `signed_in` can be renewed (or needs
 * no renewal), `ending` works until its token expires, `locked` waits for the system's keychain, and the
 * others need a sign-in.
 */
export type View = {
  state: 'signed_in' | 'ending' | 'ended' | 'absent' | 'damaged' | 'locked'
  scopes: readonly string[]
  accessExpiresAt: number | null
  renewable: boolean
  dead: (Omit<Death, 'help'> & { by: string | null }) | null
  interrupted: boolean
  stored: Stored | { state: 'locked'; detail: string | null }
}

export async function look(keep: Keep, chosen: Chosen, now: number): Promise<View> {
  const { entry } = chosen
  const stored = await keep.store.load(bindingOf(chosen)).catch((error: unknown) => {
    if (error instanceof StoreLocked) return { state: 'locked' as const, detail: error.detail }
    throw error
  })
  const nothing = {
    scopes: entry.scopes,
    accessExpiresAt: null,
    renewable: false,
    dead: null,
    interrupted: false,
    stored,
  }
  if (stored.state === 'damaged' || stored.state === 'locked')
    return { ...nothing, state: stored.state }
  if (stored.state === 'absent') {
    // An app signs itself in whenever it needs to.
    return entry.kind === 'app'
      ? { ...nothing, state: 'signed_in', renewable: true }
      : { ...nothing, state: 'absent' }
  }
  const { tokens, dead, intent, journal } = stored.credential
  const accessExpiresAt = tokens.lifetimeMs === null ? null : tokens.obtainedAt + tokens.lifetimeMs
  const renewable = entry.kind === 'app' || (tokens.refreshToken !== null && dead === null)
  const alive = accessExpiresAt === null || accessExpiresAt > now
  return {
    state: renewable ? 'signed_in' : alive ? 'ending' : 'ended',
    scopes: tokens.scope?.split(' ').filter(Boolean) ?? entry.scopes,
    accessExpiresAt,
    renewable,
    dead:
      dead === null
        ? null
        : { ...dead, by: journal.findLast(({ event }) => event === 'dead')?.by || null },
    interrupted: intent !== null,
    stored,
  }
}
