import { type Clock, day, minute } from '#platform/clock/clock.ts'
import { every, type Job, type Sweeper } from '#platform/jobs/every.ts'
import type { Log } from '#platform/log/log.ts'
import type { AppStore } from './apps/store.ts'
import type { ArtifactStore } from './artifacts/artifact.ts'
import type { Backchannel } from './backchannel/backchannel.ts'
import type { Grants } from './grants/grants.ts'
import type { Registrations } from './register/registrations.ts'

const sweepEveryMs = 5 * minute
const sweepBatch = 500
/** These stay a while after their end, so that a refusal can say why. */
const toldApart = ['AuthorizationCode', 'RefreshToken', 'DeviceCode']
const keptMs = 7 * day

/** Deletes what has expired in this room, batch by batch, so that nobody waits long for the database. */
export function openSweeper(deps: {
  artifacts: Pick<ArtifactStore, 'sweep' | 'dropReplays'>
  grants: Pick<Grants, 'sweep'>
  appStore: Pick<AppStore, 'removeEndedSecrets'>
  registrations: Pick<Registrations, 'sweep'>
  backchannel: Pick<Backchannel, 'sweep'>
  clock: Clock
  log: Log
}): Sweeper {
  const { artifacts, grants, appStore, registrations, backchannel, clock } = deps
  let job: Job | undefined
  const sweep = async () => {
    const now = clock.now()
    while ((await artifacts.sweep(now, sweepBatch, toldApart, keptMs)) === sweepBatch);
    while ((await artifacts.dropReplays(now, sweepBatch)) === sweepBatch);
    await grants.sweep()
    await appStore.removeEndedSecrets(now)
    while ((await registrations.sweep(sweepBatch)) === sweepBatch);
    await backchannel.sweep()
  }
  return {
    sweep,
    start() {
      job = every(sweepEveryMs, 'expired artifacts', deps.log, sweep)
    },
    async stop() {
      await job?.stop()
    },
  }
}
