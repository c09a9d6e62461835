import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import Fastify from 'fastify'
import type { App } from './app.ts'
import { consoleFiles } from './console-files.ts'

/** A console of three files on a bare Fastify; whatever is not it answers 404 as `other`. */
async function serve(built: boolean) {
  const directory = `${await mkdtemp(join(tmpdir(), 'latchkey-console-'))}/`
  if (built) {
    await mkdir(`${directory}assets`)
    await writeFile(`${directory}index.html`, '<title>console</title>')
    await writeFile(`${directory}latchkey.svg`, '<svg/>')
    await writeFile(`${directory}assets/index-abc123.js`, 'export {}')
  }
  await writeFile(`${directory}secret.txt`, 'not for anybody')
  const app = Fastify()
  app.setNotFoundHandler((_, reply) => reply.code(404).send('other'))
  await consoleFiles(app as unknown as App, directory) // the zod types play no part here
  const get = (url: string, accept = 'text/html') =>
    app.inject({ method: 'GET', url, headers: { accept } })
  return {
    get,
    [Symbol.asyncDispose]: async () => {
      await app.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

test('hashed files may be kept for a year, the page is asked for each time', async () => {
  await using site = await serve(true)
  const file = await site.get('/assets/index-abc123.js', '*/*')
  assert.equal(file.headers['cache-control'], 'public, max-age=31536000, immutable')
  assert.match(String(file.headers['content-type']), /javascript/)
  for (const path of ['/', '/keys/key_1', '/sign-in?tx=1', '/operator/accounts']) {
    const page = await site.get(path)
    assert.equal(page.statusCode, 200, path)
    assert.equal(page.headers['cache-control'], 'no-cache')
    assert.match(page.body, /console/)
  }
})

test('other surfaces, programs and unknown files never get the page', async () => {
  await using site = await serve(true)
  for (const path of [
    '/api/nothing',
    '/api',
    '/oauth/nothing',
    '/.well-known/nothing',
    '/assets/index-000000.js',
    '/assets/..%2fsecret.txt',
    '/assets/',
  ])
    assert.equal((await site.get(path)).body, 'other', path)
  assert.equal((await site.get('/keys', 'application/json')).body, 'other')
  for (const path of ['/secret.txt', '/assets/%2e%2e/secret.txt'])
    assert.doesNotMatch((await site.get(path)).body, /not for anybody/)
})

test('without a build only the page is missing', async () => {
  await using site = await serve(false)
  for (const path of ['/', '/assets/index-abc123.js', '/latchkey.svg'])
    assert.equal((await site.get(path)).statusCode, 404)
})
