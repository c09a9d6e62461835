import type { Messages } from './messages.tsx'
import { account } from './zh/account.ts'
import { build } from './zh/build.ts'
import { entry } from './zh/entry.ts'
import { operator } from './zh/operator.ts'
import { shell } from './zh/shell.ts'

export const zh = {
  ...shell,
  ...entry,
  ...build,
  ...account,
  ...operator,
} satisfies Messages
