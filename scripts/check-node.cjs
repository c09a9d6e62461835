// Runs on whatever Node is at hand, so it uses only what Node 12 understands.
const major = Number(process.versions.node.split('.')[0])
if (major < 26) {
  console.error(
    'Latchkey needs Node 26; this is Node ' +
      process.versions.node +
      '. Run "npm ci" in the project folder (it brings Node 26 along) and start with "npm start".',
  )
  process.exit(1)
}
