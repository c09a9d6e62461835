import { account } from './en/account.ts'
import { build } from './en/build.ts'
import { entry } from './en/entry.ts'
import { operator } from './en/operator.ts'
import { shell } from './en/shell.ts'

/** Everything the console says, by place. The shape of every other language. */
export const en = { ...shell, ...entry, ...build, ...account, ...operator }
