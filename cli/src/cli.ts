import { parseArgs } from 'node:util'
import type { Command, Context } from './command.ts'
import { commands, serverCommands } from './commands.ts'
import { exitCodes } from './exit-codes.ts'
import type { Messages } from './messages/en.ts'
import { isLocale, localeOf, messagesOf } from './messages/locale.ts'
import { openTerminal, plain } from './terminal/terminal.ts'
import { Interrupted, wrongUsage } from './trouble.ts'
import { version } from './version.ts'

/** Options that every command takes. */
export const commonOptions = {
  json: { type: 'boolean' },
  quiet: { type: 'boolean', short: 'q' },
  locale: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const

/**
 * `latchkey <command> [options]`; the exit codes are those of `exit-codes.ts`. With `--json` stdout
 * holds one JSON document and nothing else. Secrets are never taken from arguments, which other
 * users of the machine can read: they come from the environment or from stdin.
 */
export async function run(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<number> {
  const { own, rest } = split(commandFirst(helpLast(args)))
  const wanted = own[own.indexOf('--locale') + 1]
  const locale = own.includes('--locale') && isLocale(wanted) ? wanted : localeOf(environment)
  const m = await messagesOf(locale)
  const [first = ''] = own
  if (first === '' || first === '--help' || first === '-h' || first === 'help') {
    const { overview } = await import('./help.ts')
    process.stdout.write(overview(m))
    return first === '' ? exitCodes.usage : exitCodes.done
  }
  if (first === '--version' || first === '-v') {
    process.stdout.write(`${version}\n`)
    return exitCodes.done
  }
  const stop = new AbortController()
  const context: Context = {
    environment,
    json: own.includes('--json'),
    locale,
    m,
    terminal: openTerminal({
      environment,
      quiet: own.includes('--quiet') || own.includes('-q'),
    }),
    values: {},
    positionals: [],
    rest,
    signal: stop.signal,
  }
  try {
    const { name, command } = commandOf(own, m)
    const parsed = parse(name, command, own.slice(name.split(' ').length), rest, m)
    if (parsed.values.help === true) {
      const { helpOf } = await import('./help.ts')
      process.stdout.write(helpOf(name, command, m))
      return exitCodes.done
    }
    const work = await command.load()
    const ready = { ...context, ...parsed }
    return command.ownSignals ? await work(ready) : await stoppable(stop, () => work(ready))
  } catch (error) {
    const cause: unknown = stop.signal.aborted ? stop.signal.reason : error
    if (cause instanceof Interrupted) return cause.exitCode
    const { tell, troubleOf } = await import('./tell.ts')
    const trouble = troubleOf(cause, context)
    tell(trouble, context)
    return trouble.details.exitCode
  }
}

/** `latchkey help token` as `latchkey token --help`. */
const helpLast = ([first, ...others]: readonly string[]): string[] =>
  first === undefined
    ? []
    : first === 'help' && others[0] !== undefined && !others[0].startsWith('-')
      ? [...others, '--help']
      : [first, ...others]

/** `latchkey --json whoami` as `latchkey whoami --json`. */
function commandFirst(args: readonly string[]): string[] {
  const before: string[] = []
  const behind = [...args]
  for (let first = behind[0]; first !== undefined; first = behind[0]) {
    if (!['--json', '--quiet', '-q', '--locale'].includes(first)) break
    before.push(...behind.splice(0, first === '--locale' ? 2 : 1))
  }
  const at = behind.indexOf('--')
  const end = at < 0 ? behind.length : at
  return [...behind.slice(0, end), ...before, ...behind.slice(end)]
}

/** Ours, and what stands behind `--` for a program that `exec` starts. */
function split(args: readonly string[]): { own: readonly string[]; rest: readonly string[] } {
  const at = args.indexOf('--')
  return at < 0 ? { own: args, rest: [] } : { own: args.slice(0, at), rest: args.slice(at + 1) }
}

function commandOf(own: readonly string[], m: Messages): { name: string; command: Command } {
  const [first = '', second = ''] = own
  for (const name of [`${first} ${second}`, first]) {
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined
    if (command) return { name, command }
  }
  throw serverCommands.some((name) => name.split(' ')[0] === first)
    ? wrongUsage(m.common.serverCommand(first), m.common.serverCommandNext)
    : wrongUsage(
        m.common.unknownCommand(plain(first).slice(0, 40)),
        m.common.run('latchkey --help'),
      )
}

const secretOption = /^--(client-?)?(secret|password|token|api-?key)(=|$)/i

function parse(
  name: string,
  command: Command,
  args: readonly string[],
  rest: readonly string[],
  m: Messages,
): Pick<Context, 'values' | 'positionals'> {
  const help = m.common.run(`latchkey ${name} --help`)
  const options = { ...command.options, ...commonOptions }
  // What is refused is never repeated with its value: it may be a secret in the wrong place.
  if (args.some((arg) => secretOption.test(arg)))
    throw wrongUsage(m.common.secretInArguments, m.common.secretInArgumentsNext)
  let parsed: ReturnType<typeof parseArgs>
  try {
    parsed = parseArgs({ args: [...args], options, strict: true, allowPositionals: true })
  } catch (error) {
    const { code } = error as { code?: string }
    const named = /'(-{1,2}[\w-]+)/.exec((error as Error).message)?.[1]
    throw wrongUsage(
      code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION' && named !== undefined
        ? m.common.unknownOption(named)
        : m.common.optionValue(named ?? name),
      help,
    )
  }
  const { positionals, values } = parsed
  const takes = command.positionals ?? { min: 0, max: 0 }
  if (values.help !== true) {
    if (command.rest && positionals.length > takes.max)
      throw wrongUsage(m.exec.commandMissing, m.common.run('latchkey exec -- python app.py'))
    if (positionals.length > takes.max) throw wrongUsage(m.common.tooManyArguments(name), help)
    if (positionals.length < takes.min) throw wrongUsage(m.common.argumentMissing(name), help)
    const allowed = takes.values
    if (allowed && !positionals.every((value) => allowed.includes(value)))
      throw wrongUsage(m.common.oneOf(allowed), help)
    if (!command.rest && rest.length > 0) throw wrongUsage(m.common.tooManyArguments(name), help)
    if (values.locale !== undefined && !isLocale(values.locale))
      throw wrongUsage(m.common.oneOf(['en', 'zh']), help)
  }
  return { values, positionals }
}

/** Runs `work` so that Ctrl-C and SIGTERM end it, at the second time or after a second at once. */
async function stoppable(stop: AbortController, work: () => Promise<number>): Promise<number> {
  const end = (signal: 'SIGINT' | 'SIGTERM') => {
    const reason = new Interrupted(signal)
    if (stop.signal.aborted) process.exit(reason.exitCode)
    stop.abort(reason)
    // What does not listen may be ended at any moment: everything on disk is whole, always.
    setTimeout(() => process.exit(reason.exitCode), 1_000).unref()
  }
  const onInterrupt = () => end('SIGINT')
  const onTerminate = () => end('SIGTERM')
  process.on('SIGINT', onInterrupt).on('SIGTERM', onTerminate)
  try {
    return await work()
  } finally {
    process.off('SIGINT', onInterrupt).off('SIGTERM', onTerminate)
  }
}
