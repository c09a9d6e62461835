import { commonOptions } from '../cli.ts'
import type { CommandRun } from '../command.ts'
import { commands } from '../commands.ts'
import { exitCodes } from '../exit-codes.ts'
import { bash, fish, type Grammar, zsh } from './scripts.ts'

/** `latchkey completion SHELL`: made from the table of commands, so that it cannot fall behind. */
export const completion: CommandRun = async (context) => {
  const grammar: Grammar = Object.entries(commands).map(([name, command]) => ({
    name,
    summary: command.text(context.m).summary,
    options: Object.entries({ ...command.options, ...commonOptions }).map(([option, { type }]) => ({
      name: `--${option}`,
      value: type === 'string',
    })),
    values: command.positionals?.values ?? [],
    are: command.positionals?.are ?? null,
    rest: command.rest === true,
  }))
  const script = { bash, zsh, fish }[context.positionals[0] as 'bash' | 'zsh' | 'fish'](grammar)
  if (context.json) context.terminal.out(JSON.stringify({ script }))
  else process.stdout.write(script)
  return exitCodes.done
}
