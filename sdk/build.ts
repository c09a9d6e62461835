import { execFileSync } from 'node:child_process'
import { copyFileSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Builds what people install: JavaScript and its types, nothing that was there before. */
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const tsc = fileURLToPath(new URL('bin/tsc', import.meta.resolve('typescript/package.json')))
rmSync(here('dist'), { recursive: true, force: true })
execFileSync(process.execPath, [tsc, '-p', here('tsconfig.build.json')], { stdio: 'inherit' })
copyFileSync(here('../LICENSE'), here('dist/LICENSE'))
