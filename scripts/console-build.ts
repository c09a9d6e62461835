import { globSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('../console/', import.meta.url))
const sources = ['src/**/*', 'public/**/*', 'index.html', 'vite.config.ts', 'package.json']

/**
 * Whether the console has to be built: it never was, or a source is younger than what was built, as
 * after a `git pull`. A few milliseconds for some hundred files.
 */
export function consoleIsStale(): boolean {
  const built = statSync(`${folder}dist/index.html`, { throwIfNoEntry: false })?.mtimeMs
  if (built === undefined) return true
  return globSync(sources, { cwd: folder }).some((file) => statSync(folder + file).mtimeMs > built)
}
