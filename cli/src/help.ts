import type { Command } from './command.ts'
import { commands, serverCommands } from './commands.ts'
import type { Messages } from './messages/en.ts'

/** `latchkey --help`. */
export function overview(m: Messages): string {
  const names = Object.keys(commands)
  const width = Math.max(...names.map((name) => name.length)) + 2
  const line = (name: string) => `  ${name.padEnd(width)}${commands[name]?.text(m).summary ?? ''}`
  const server = names.filter((name) => serverCommands.includes(name))
  return [
    `latchkey ${m.help.usage}`,
    '',
    ...names.filter((name) => !server.includes(name)).map(line),
    ...(server.length > 0 ? ['', m.help.installation, '', ...server.map(line)] : []),
    '',
    ...m.help.common,
    '',
    ...m.help.environment,
    '',
    ...m.help.exitCodes,
    '',
  ].join('\n')
}

/** `latchkey <command> --help`. */
export function helpOf(name: string, { usage, text }: Command, m: Messages): string {
  const { summary, help } = text(m)
  return [`latchkey ${name} ${usage}`.trimEnd(), '', summary, ...(help ? ['', help] : []), ''].join(
    '\n',
  )
}
