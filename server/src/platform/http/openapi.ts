import { z } from 'zod'
import type { App } from './app.ts'

type Operation = { summary?: string; tags?: string[] }
type Document = { info: { title: string }; paths?: Record<string, Record<string, Operation>> }

/**
 * `/api/openapi.json`, made from the schemas that validate, and `/api/docs`, the same as a page
 * without scripts. Register last: both know the routes that are there by then.
 */
export function openApiRoutes(app: App): void {
  const document = () => app.swagger() as unknown as Document // the plugin types OpenAPI 2 and 3 as one
  const access = { auth: 'public' } as const

  app.get(
    '/api/openapi.json',
    {
      config: { access },
      schema: {
        tags: ['operations'],
        summary: 'This API as OpenAPI 3.1',
        response: { 200: z.record(z.string(), z.unknown()) },
      },
    },
    async (_request, reply) => reply.serializer(JSON.stringify).send(document() as never),
  )

  app.get(
    '/api/docs',
    {
      config: { access },
      schema: { tags: ['operations'], summary: 'This API as a page' },
    },
    async (_request, reply) => reply.type('text/html; charset=utf-8').send(page(document())),
  )
}

function page({ info, paths }: Document): string {
  const byTag = new Map<string, string[]>()
  for (const [path, methods] of Object.entries(paths ?? {}))
    for (const [method, { summary = '', tags }] of Object.entries(methods)) {
      const tag = tags?.[0] ?? 'other'
      const row = `<tr><td><code>${method.toUpperCase()}</code></td><td><code>${escapeHtml(path)}</code></td><td>${escapeHtml(summary)}</td></tr>`
      byTag.set(tag, [...(byTag.get(tag) ?? []), row])
    }
  const sections = [...byTag]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([tag, rows]) => `<h2>${escapeHtml(tag)}</h2>\n<table>\n${rows.join('\n')}\n</table>`)
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHtml(info.title)} API</title></head>
<body><h1>${escapeHtml(info.title)} API</h1>
<p>Bodies and answers in full: <a href="/api/openapi.json">openapi.json</a>. Calls that change something need the session cookie and a same-origin <code>Origin</code> header; refusals are RFC 9457 problems with a stable <code>code</code>.</p>
${sections.join('\n')}
</body></html>`
}

const escapeHtml = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
