import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

const tokenNeeds =
  /\/(cli\/src\/([\w-]+\.ts|terminal\/|messages\/(locale|en|spans)|installation\/|accounts\/(token|choose|keep|book|issuer|numbers)\.)|sdk\/src\/(credentials|platform|errors|node\/(file-store|editions|private-files|keychain\/|locks\/)|tokens\/lifetime))/
const root = fileURLToPath(new URL('.', import.meta.url))
const outDir = process.argv[2] ?? `${root}dist`

/**
 * Builds what people install: JavaScript without dependencies, in pieces that load when needed, and
 * without the commands that need the server.
 */
await rm(outDir, { recursive: true, force: true })
await build({
  root,
  configFile: false,
  logLevel: 'warn',
  ssr: { noExternal: true },
  plugins: [
    {
      name: 'without-the-server',
      load: (id) =>
        id.endsWith('/cli/src/installation/index.ts') ? 'export const installation = null' : null,
    },
  ],
  build: {
    ssr: 'src/cli.ts',
    outDir,
    target: 'node26',
    minify: false, // what runs with somebody's tokens can be read
    rolldownOptions: {
      checks: { ineffectiveDynamicImport: false }, // lazy in most places is lazy enough
      output: {
        entryFileNames: 'cli.js',
        chunkFileNames: '[name]-[hash].js',
        // What `latchkey token` needs is one file: each more costs a millisecond at every start.
        codeSplitting: { groups: [{ name: 'token', test: tokenNeeds }] },
      },
    },
  },
})
await mkdir(outDir, { recursive: true })
const licence = await readFile(`${root}../node_modules/oauth4webapi/LICENSE.md`, 'utf8')
await writeFile(`${outDir}/THIRD-PARTY.md`, `# oauth4webapi\n\n${licence}`)
await copyFile(`${root}../LICENSE`, `${outDir}/LICENSE`)
