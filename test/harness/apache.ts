import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from './journey.ts'
import { freePort } from './server.ts'

/** Debian's httpd with its mod_auth_openidc before `/members/`: the relying party of many a company. */
export type Apache = { origin: string; callback: string; log(): Promise<string> } & AsyncDisposable

const modules = [
  'mpm_event',
  'authn_core',
  'authz_core',
  'authz_user',
  'headers',
  'dir',
  'mime',
  'auth_openidc',
]

/** `client` is asked once the address is known, because the client is registered with it. */
export async function startApache(
  issuer: string,
  client: (apache: {
    origin: string
    callback: string
  }) => Promise<{ client_id: string; client_secret?: string }>,
): Promise<Apache> {
  const port = await freePort()
  const origin = `http://localhost:${port}`
  const callback = `${origin}/members/callback`
  const { client_id, client_secret } = await client({ origin, callback })
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-apache-'))
  await chmod(folder, 0o755)
  await mkdir(join(folder, 'site/members'), { recursive: true })
  await writeFile(join(folder, 'site/index.html'), 'for everybody')
  await writeFile(join(folder, 'site/members/index.html'), 'for members')
  const log = join(folder, 'error.log')
  const load = modules.map(
    (name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`,
  )
  await writeFile(
    join(folder, 'httpd.conf'),
    `
${load.join('\n')}
ServerName localhost
ServerRoot ${folder}
Listen 127.0.0.1:${port}
PidFile ${folder}/httpd.pid
DefaultRuntimeDir ${folder}
ErrorLog ${log}
LogLevel warn
User www-data
Group www-data
TypesConfig /etc/mime.types
DocumentRoot ${folder}/site
DirectoryIndex index.html
OIDCProviderMetadataURL ${issuer}/.well-known/openid-configuration
OIDCClientID ${client_id}
OIDCClientSecret ${client_secret}
OIDCRedirectURI ${callback}
OIDCCryptoPassphrase only-for-this-test
OIDCPKCEMethod S256
OIDCScope "openid email"
OIDCRemoteUserClaim email
OIDCUserInfoRefreshInterval 3600
OIDCCookieSameSite On
<Location /members/>
  AuthType openid-connect
  # it would not redirect what says of itself that it is a script
  OIDCUnAuthAction auth true
  Require valid-user
  Header set x-remote-user "expr=%{REMOTE_USER}"
</Location>
<Directory ${folder}/site>
  Require all granted
</Directory>
`,
  )
  const child = spawn('/usr/sbin/apache2', ['-f', join(folder, 'httpd.conf'), '-DFOREGROUND'], {
    stdio: 'ignore',
  })
  const closed = once(child, 'close')
  await eventually('httpd', 10_000, async () => {
    assert.equal(child.exitCode, null, await readFile(log, 'utf8').catch(() => 'httpd ended'))
    return fetch(origin)
      .then((answer) => answer.ok)
      .catch(() => false)
  })
  return {
    origin,
    callback,
    log: () => readFile(log, 'utf8'),
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await closed
      await rm(folder, { recursive: true, force: true })
    },
  }
}
