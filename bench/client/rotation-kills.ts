import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { baseline, commit, keep, resultFile, versionOf } from './measure.ts'
import { latchkey, oidcProvider } from './rotation-places.ts'
import { fates, run } from './rotation-run.ts'

/**
 * Claim 4. Eight processes share one sign-in at a provider that rotates refresh tokens and accepts each
 * once, and are killed with -9 at random (seeded). Counted over 1,000 refreshes: how often a person has to
 * sign in again, and how often one refresh token was spent into two successors.
 *
 * Without a replay window no client survives being killed between rotation and save: what is counted there
 * is whether it loses anything else.
 *
 * REFRESHES, SEED (its results are kept apart) and LIMIT_MS (a run, 230 seconds) may be set; ONLY runs the
 * arms whose name holds it and keeps what is in today's file of the others.
 */
const wanted = {
  processes: 8,
  refreshes: Number(process.env.REFRESHES ?? 1_000),
  seed: Number(process.env.SEED ?? 20_261_122),
  limitMs: Number(process.env.LIMIT_MS ?? 230_000),
}
const ways = {
  'this SDK': 'sdk',
  'proper-lockfile': 'proper-lockfile',
  'guarded reload, no lock': 'guarded',
  'single flight in the process': 'single-flight',
}
const places = { Latchkey: latchkey, 'node-oidc-provider, no window': oidcProvider }

const { ONLY: only = '' } = process.env
const name = process.env.SEED ? `rotation-kills-seed-${wanted.seed}` : 'rotation-kills'
const file = resultFile(name)
const results: Record<string, object> =
  only && existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).results : {}
baseline('proper-lockfile')
for (const [where, open] of Object.entries(places))
  for (const [what, way] of Object.entries(ways)) {
    const arm = `${what}, ${where}`
    if (!arm.includes(only)) continue
    const place = await open()
    const result = await run(way, place, wanted)
    await place.close()
    results[arm] = { at: new Date().toISOString(), commit: commit(), ...result }
    const { forced_at_refresh: _, ...told } = result
    console.log(arm, JSON.stringify(told))
  }
keep(
  'rotation-kills',
  {
    'oidc-provider': versionOf(join(import.meta.dirname, '../../node_modules/oidc-provider')),
    'proper-lockfile': versionOf(baseline('proper-lockfile')),
  },
  { wanted, killed: fates, results },
  name,
)
process.exit(0)
