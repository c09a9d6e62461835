import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createAuth, discover } from '../index.ts'
import { FakeProvider } from '../testing/fake-provider.ts'
import { seededRandom } from '../testing/virtual-clock.ts'
import { fileStore, type LockOptions } from './index.ts'

const redemptionsWanted = { kernel: 20, lease: 12 } // after each kill a lease has to run out
const killsWanted = 4 // which replies are hit is drawn; some find their process killed already
const processes = 4

for (const kind of ['kernel', 'lease'] as const)
  test(`four processes, one rotating refresh token, kill -9 at the worst moments: nobody has to sign in again (${kind} lock)`, async () => {
    const dir = mkdtempSync(join(tmpdir(), 'latchkey-processes-'))
    const random = seededRandom(20_261_122)
    const provider = new FakeProvider({ lifetimeSeconds: 0.15, replaySeconds: 30 })
    await provider.listen()
    const lock: LockOptions = kind === 'lease' ? { kind, leaseMs: 300 } : {}
    const store = fileStore({ dir, lock })
    const auth = createAuth({
      provider: discover(provider.issuer),
      clientId: 'app',
      store,
      refresh: { background: false },
    })
    await auth.signInByCode(provider.code())

    const children = new Set<ChildProcess>()
    const complaints: string[] = []
    let kills = 0
    let done = false
    await new Promise<void>((finished) => {
      const start = () => {
        const child = spawn(
          process.execPath,
          [
            new URL('renewing-process.fixture.ts', import.meta.url).pathname,
            provider.issuer,
            dir,
            kind,
          ],
          { stdio: ['ignore', 'ignore', 'pipe'] },
        )
        children.add(child)
        child.stderr?.on('data', (text) => complaints.push(String(text)))
        child.on('exit', (code) => {
          children.delete(child)
          if (code !== null) complaints.push(`a process ended by itself: ${code}`)
          if (!done) start()
          else if (children.size === 0) finished()
        })
      }
      provider.options.beforeReply = (request) => {
        if (provider.redemptions.length >= redemptionsWanted[kind] && kills >= killsWanted) {
          done = true
          for (const child of children) child.kill('SIGKILL')
          return
        }
        const pid = Number(request.headers.get('x-pid'))
        const kill = () => {
          for (const child of children) if (child.pid === pid && child.kill('SIGKILL')) kills++
        }
        const fate = random.fraction()
        if (fate < 0.25)
          kill() // rotated, and the reply never arrives
        else if (fate < 0.5) setTimeout(kill, random.fraction() * 6) // around the save
      }
      for (let i = 0; i < processes; i++) start()
    })

    try {
      assert.deepEqual(complaints, [], 'no process was told to sign in')
      const rotated = new Map<string, number>()
      for (const { refreshToken, result } of provider.redemptions) {
        assert.ok(result === 'rotated' || result === 'replayed', result)
        if (result === 'rotated') rotated.set(refreshToken, (rotated.get(refreshToken) ?? 0) + 1)
      }
      assert.ok(
        [...rotated.values()].every((times) => times === 1),
        'one redemption per generation',
      )
      const replays = provider.redemptions.filter(({ result }) => result === 'replayed').length
      // A lease also runs out under a holder that the machine gives no time; the kernel's lock does not.
      if (kind === 'kernel')
        assert.ok(replays <= kills, `${replays} replays, only after ${kills} kills`)
      const survivor = createAuth({ provider: discover(provider.issuer), clientId: 'app', store })
      assert.ok(await survivor.account().token())
      await survivor.close()
    } finally {
      await auth.close()
      await provider.close()
      rmSync(dir, { recursive: true })
    }
  })
