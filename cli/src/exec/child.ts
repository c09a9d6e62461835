import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import { exitCodes } from '../exit-codes.ts'

/** Signals that people and supervisors send to a program and mean the one that was started. */
const passed = ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const
/** A terminal sends these to the whole foreground group, so the child has them already. */
const fromTerminal = new Set<NodeJS.Signals>(['SIGINT', 'SIGQUIT'])

export type ChildEnd =
  | { code: number }
  | { signal: NodeJS.Signals }
  | { failed: 'notFound' | 'notExecutable' }

/** Runs the program in the place of ours: its input, output and signals are the ones we were given. */
export function runChild(
  program: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<ChildEnd> {
  return new Promise((resolve, reject) => {
    // Before the child exists: from its first moment on, what is meant for it reaches it.
    let child: ChildProcess | null = null
    const handlers = passed.map((signal) => {
      const handler = () => {
        if (!(process.stdin.isTTY && fromTerminal.has(signal))) child?.kill(signal)
      }
      process.on(signal, handler)
      return [signal, handler] as const
    })
    child = spawn(program, [...args], { stdio: 'inherit', env: environment })
    const settle = (end: ChildEnd) => {
      for (const [signal, handler] of handlers) process.off(signal, handler)
      resolve(end)
    }
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (child?.pid !== undefined) return // a signal that did not arrive
      if (error.code === 'ENOENT') settle({ failed: 'notFound' })
      else if (error.code === 'EACCES' || error.code === 'ENOEXEC')
        settle({ failed: 'notExecutable' })
      else reject(error)
    })
    child.once('exit', (code, signal) => settle(signal ? { signal } : { code: code ?? 1 }))
  })
}

/** The exit code as a shell reports it. */
export function exitCodeOf(end: ChildEnd): number {
  if ('code' in end) return end.code
  if ('failed' in end) return exitCodes[end.failed]
  return 128 + constants.signals[end.signal]
}
