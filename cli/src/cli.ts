import { parseArgs } from 'node:util'
import { auditVerify } from './audit-verify.ts'
import { type Command, type Context, done, failed, usageError } from './command.ts'
import { doctor } from './doctor.ts'
import { migrateCommand } from './migrate.ts'
import { operatorCreate } from './operator-create.ts'
import { serve } from './serve.ts'

/** Every command, by the words that name it. */
export const commands: Record<string, Command> = {
  serve,
  migrate: migrateCommand,
  doctor,
  'operator create': operatorCreate,
  'audit verify': auditVerify,
}

const version = '0.1.0'

/**
 * `latchkey <command> [options]`. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 something is
 * pending. With `--json` the result is one JSON document on stdout and nothing else. Secrets are
 * never taken from arguments, which other users of the machine can read: settings come from the
 * environment and the file named by LATCHKEY_CONFIG, as for the server.
 */
export async function run(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<number> {
  const [first = '', second = ''] = args
  if (first === '' || first === '--help' || first === '-h' || first === 'help') {
    process.stdout.write(overview())
    return first === '' ? usageError : done
  }
  if (first === '--version' || first === '-v') {
    process.stdout.write(`${version}\n`)
    return done
  }
  const name = `${first} ${second}` in commands ? `${first} ${second}` : first
  const command = commands[name]
  if (!command) {
    process.stderr.write(`There is no command “${first}”. Run "latchkey --help".\n`)
    return usageError
  }
  let values: Record<string, unknown>
  try {
    ;({ values } = parseArgs({
      args: args.slice(name.split(' ').length),
      options: {
        ...command.options,
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
      strict: true,
      allowPositionals: false,
    }))
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${helpOf(name, command)}`)
    return usageError
  }
  if (values.help === true) {
    process.stdout.write(helpOf(name, command))
    return done
  }
  const context: Context = { environment, json: values.json === true, values }
  try {
    return await command.run(context)
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`)
    return failed
  }
}

const helpOf = (name: string, { usage, summary, help }: Command) =>
  [`latchkey ${name} ${usage}`.trimEnd(), '', summary, ...(help ? ['', help] : []), '', ''].join(
    '\n',
  )

function overview(): string {
  const width = Math.max(...Object.keys(commands).map((name) => name.length)) + 2
  return [
    'latchkey <command> [options]',
    '',
    ...Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(width)}${summary}`),
    '',
    '  --json     machine-readable result',
    '  --help     help, also of one command',
    '  --version  the version',
    '',
    'Settings come from the environment (LATCHKEY_…), as for the server.',
    'Exit codes: 0 done, 1 failed, 2 wrong usage, 3 something is pending.',
    '',
  ].join('\n')
}
