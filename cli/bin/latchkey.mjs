#!/usr/bin/env node
// Runs on whatever Node is at hand until the version is checked: nothing is imported before.
const major = Number(process.versions.node.split('.')[0])
if (major < 26) {
  console.error(
    `Latchkey needs Node 26; this is Node ${process.versions.node}. Run "npm ci" in the project folder (it brings Node 26 along) and start this as "npx latchkey".`,
  )
  process.exit(1)
}
const { enableCompileCache } = await import('node:module')
enableCompileCache() // in the system's folder for temporary files; the next command starts faster
const { run } = await import('../src/cli.ts')
process.exitCode = await run(process.argv.slice(2), process.env)
