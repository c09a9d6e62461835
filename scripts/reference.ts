import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { errors } from '../server/messages/en/errors.ts'
import { compose, type Latchkey } from '../server/src/compose.ts'
import { readConfig, settings } from '../server/src/config.ts'
import { systemClock } from '../server/src/platform/clock/clock.ts'
import type { RouteAccess } from '../server/src/platform/http/access.ts'
import { systemRandom } from '../server/src/platform/ids/ids.ts'
import { createLog } from '../server/src/platform/log/log.ts'

/** `docs/reference.md` as the code has it: settings, routes with their policy, error codes. */
export function reference(latchkey: Latchkey): string {
  return [
    '# Reference',
    '',
    'Made from the code by `npm run reference`; a test fails when it is out of date.',
    '',
    '## Settings',
    '',
    'From the environment, or from the JSON file named by `LATCHKEY_CONFIG`. All problems are reported',
    'together at the start.',
    '',
    table(
      ['setting', 'meaning', 'default'],
      Object.entries(settings).map(([name, { meaning, default: value }]) => [
        `\`${name}\``,
        meaning,
        value,
      ]),
    ),
    '',
    '## Routes',
    '',
    'The gateway under `/v1` follows OpenAI’s API; schemas of the rest are in `/api/openapi.json`.',
    'State-changing calls need the `Origin` of the installation, unless the last column says otherwise.',
    '',
    table(['route', 'who', 'what', 'from'], routes(latchkey)),
    '',
    '## Error codes',
    '',
    'Stable. On `/api` in `code` of an RFC 9457 problem, on `/v1` in `error.code`; each links to the',
    'help article named here.',
    '',
    table(
      ['code', 'says', 'article'],
      Object.entries(errors).map(([code, { title, help }]) => [
        `\`${code}\``,
        title,
        `\`/help/${help}\``,
      ]),
    ),
    '',
  ].join('\n')
}

function routes({ app, inventory }: Latchkey): string[][] {
  const { paths = {} } = app.swagger() as { paths?: Record<string, Record<string, Operation>> }
  return inventory
    .filter(({ method }) => method !== 'HEAD' && method !== 'OPTIONS')
    .map(({ method, url, access }) => {
      const path = url.replaceAll(/:(\w+)/g, '{$1}')
      return [
        `\`${method} ${path}\``,
        who(access),
        paths[path]?.[method.toLowerCase()]?.summary ?? '',
        access.origin === 'any' ? 'anywhere' : '',
      ]
    })
    .sort((a, b) =>
      ((a[0] ?? '').split(' ')[1] ?? '').localeCompare((b[0] ?? '').split(' ')[1] ?? ''),
    )
}

type Operation = { summary?: string }

const who = (access: RouteAccess): string =>
  `${whoAtAll(access)}${access.stepUp ? ', proven within 10 minutes' : ''}`

const whoAtAll = (access: RouteAccess): string =>
  access.auth === 'operator'
    ? (access.roles ?? []).join(', ')
    : access.auth === 'session'
      ? access.standing === 'any'
        ? 'signed in, also suspended'
        : 'signed in'
      : 'anybody'

const table = (head: string[], rows: string[][]): string =>
  [head, head.map(() => '---'), ...rows]
    .map((row) => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n')

if (import.meta.main) {
  const dataDir = await mkdtemp(join(tmpdir(), 'latchkey-reference-'))
  const result = readConfig({ LATCHKEY_DATA_DIR: dataDir }, 2)
  if (!result.ok) throw new Error(result.problems.join('\n'))
  const latchkey = await compose(result.config, {
    clock: systemClock,
    random: systemRandom,
    log: createLog('warn'),
  })
  await writeFile(new URL('../docs/reference.md', import.meta.url), reference(latchkey))
  await latchkey.close()
  await rm(dataDir, { recursive: true })
}
