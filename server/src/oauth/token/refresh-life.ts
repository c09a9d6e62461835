import { second } from '#platform/clock/clock.ts'
import type { OAuthApp } from '../apps/app.ts'

/**
 * How long a refresh token issued now lives, in milliseconds: as long as the app may be idle, but
 * never past the end its family had from the start. `startedAtSeconds` is when the first of the
 * family was issued; absent for the first itself.
 */
export function refreshLifeMs(
  app: Pick<OAuthApp, 'refreshIdleSeconds' | 'refreshAbsoluteSeconds'>,
  startedAtSeconds: number | undefined,
  now: number,
): number {
  const started = startedAtSeconds === undefined ? now : startedAtSeconds * second
  const left = started + app.refreshAbsoluteSeconds * second - now
  return Math.max(second, Math.min(app.refreshIdleSeconds * second, left))
}
