#!/usr/bin/env node
// Runs on whatever Node is at hand until the version is checked: nothing is imported before.
const major = Number(process.versions.node.split('.')[0])
if (major < 26) {
  console.error(
    `Latchkey needs Node 26; this is Node ${process.versions.node}. Install it, or in Latchkey's own folder run "npm ci" (it brings Node 26 along) and start this as "npx latchkey".`,
  )
  process.exit(1)
}
const { enableCompileCache } = await import('node:module')
enableCompileCache() // in the system's folder for temporary files; the next command starts faster
const { existsSync } = await import('node:fs')
// The package holds built JavaScript; in the repository the sources run as they are.
const built = new URL('../dist/cli.js', import.meta.url)
const source = new URL('../src/cli.ts', import.meta.url)
const { run } = await import(existsSync(source) ? source.href : built.href)
process.stdout.on('error', (error) => {
  if (error.code === 'EPIPE') process.exit(0) // whoever read us has seen enough
  console.error(`latchkey: ${error.message}`) // such as a full disk; a script must not go on with half
  process.exit(1)
})
process.exitCode = await run(process.argv.slice(2), process.env)
