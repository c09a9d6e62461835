import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** Starting, watching and ending what a benchmark runs. Linux only: CPU time comes from /proc. */
const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK']))

const children: ChildProcess[] = []

/** The environment without settings of Latchkey: a benchmark measures what it says. */
const outside = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith('LATCHKEY_')),
)

/** Starts a program on one core. */
export function start(core: number, command: string[], env: Record<string, string> = {}): number {
  const child = spawn('taskset', ['-c', String(core), ...command], {
    env: { ...outside, ...env },
    stdio: ['ignore', 'ignore', process.env.VERBOSE ? 'inherit' : 'ignore'],
  })
  children.push(child)
  if (child.pid === undefined) throw new Error(`${command[0]} did not start`)
  return child.pid
}

export async function endAll(): Promise<void> {
  for (const child of children) child.kill('SIGTERM')
  await sleep(1_500)
  for (const child of children)
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
}

export async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const { port } = probe.address() as { port: number }
  await new Promise((resolve) => probe.close(resolve))
  return port
}

function tree(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
    return [pid, ...children.split(' ').filter(Boolean).map(Number).flatMap(tree)]
  } catch {
    return [pid]
  }
}

/** User and system time of a process and its children so far, in seconds. */
export function cpuSeconds(pid: number): number {
  return tree(pid).reduce((sum, one) => {
    try {
      const fields = readFileSync(`/proc/${one}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
      return sum + (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
    } catch {
      return sum
    }
  }, 0)
}

export function residentMegabytes(pid: number): number {
  return Math.max(
    ...tree(pid).map((one) => {
      try {
        const status = readFileSync(`/proc/${one}/status`, 'utf8')
        return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024
      } catch {
        return 0
      }
    }),
  )
}

/** Time all cores together have worked so far, in seconds. */
export function machineSeconds(): number {
  const [user, nice, system, , , irq, softirq] = (
    readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? ''
  )
    .split(/ +/)
    .slice(1)
    .map(Number) as [number, number, number, number, number, number, number]
  return (user + nice + system + irq + softirq) / ticksPerSecond
}

/** Waits until the rest of the machine is quiet, or for `patienceMs`. */
export async function quiet(patienceMs: number): Promise<void> {
  const end = performance.now() + patienceMs
  while (performance.now() < end) {
    const before = machineSeconds()
    await sleep(250)
    if ((machineSeconds() - before) / 0.25 < 0.15) return
  }
}
