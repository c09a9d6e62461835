import type { ParseArgsConfig } from 'node:util'
import type { Messages } from './messages/en.ts'
import type { Locale } from './messages/locale.ts'
import type { Terminal } from './terminal/terminal.ts'

/** What a command may look at. Nothing below reads the process by itself. */
export type Context = {
  environment: NodeJS.ProcessEnv
  json: boolean
  locale: Locale
  m: Messages
  terminal: Terminal
  /** The options as parsed, by name. */
  values: Record<string, unknown>
  positionals: readonly string[]
  /** Everything after `--`, untouched. */
  rest: readonly string[]
  /** Aborted by Ctrl-C and SIGTERM, unless the command takes signals itself. */
  signal: AbortSignal
}

/** A command as the table knows it, before any of its code is loaded. */
export type Command = {
  /** After the command's name. */
  usage: string
  /** One line, and what there is to say beyond it. */
  text: (m: Messages) => { summary: string; help?: string }
  options: NonNullable<ParseArgsConfig['options']>
  /** How many plain arguments it takes. Default none. */
  positionals?: {
    min: number
    max: number
    values?: readonly string[]
    /** What completion offers for them, where that is not in `values`. */
    are?: 'accounts' | 'files'
  }
  /** Takes everything after `--`. */
  rest?: true
  /** Handles SIGINT and SIGTERM itself. */
  ownSignals?: true
  load(): Promise<CommandRun>
}

/** Answers the exit code. What it throws is told by `trouble.ts`. */
export type CommandRun = (context: Context) => Promise<number>

/** The result: for programs as JSON, for people as text. */
export function print({ json, terminal }: Context, value: unknown, text: string): void {
  terminal.out(json ? JSON.stringify(value) : text)
}

/** A string option, or undefined when it was not given. */
export function option({ values }: Context, name: string): string | undefined {
  const value = values[name]
  return typeof value === 'string' ? value : undefined
}
