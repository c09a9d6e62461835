import type { Command } from './command.ts'

export const serve: Command = {
  usage: '',
  summary: 'Serve everything; Ctrl-C or SIGTERM drains and ends it',
  options: {},
  async run({ environment }) {
    const { main } = await import('../../server/src/main.ts')
    await main(environment)
    return 0
  },
}
