import { z } from 'zod'
import type { App } from '#platform/http/app.ts'
import type { ProblemSender } from '#platform/http/problem.ts'
import { locales } from '../../messages/messages.ts'
import type { Help } from './index.ts'

const briefSchema = z
  .object({ slug: z.string(), title: z.string(), summary: z.string() })
  .meta({ id: 'HelpEntry' })
const articleSchema = briefSchema
  .extend({ body: z.string(), related: z.array(z.string()) })
  .meta({ id: 'HelpArticle' })

export function helpRoutes(app: App, deps: { help: Help; problem: ProblemSender }): void {
  const { help, problem } = deps

  app.get(
    '/api/help',
    {
      config: { access: { auth: 'public', standing: 'any' } },
      schema: {
        tags: ['help'],
        summary: 'Search the help; all articles without a query',
        querystring: z.strictObject({
          q: z.string().max(200).optional(),
          locale: z.enum(locales).optional(),
        }),
        response: { 200: z.object({ items: z.array(briefSchema) }) },
      },
    },
    async (request) => ({
      items: help.search(request.query.q ?? '', request.query.locale ?? request.locale),
    }),
  )

  app.get(
    '/api/help/:slug',
    {
      config: { access: { auth: 'public', standing: 'any' } },
      schema: {
        tags: ['help'],
        summary: 'One article',
        params: z.object({ slug: z.string().max(100) }),
        querystring: z.strictObject({ locale: z.enum(locales).optional() }),
        response: { 200: articleSchema },
      },
    },
    async (request, reply) => {
      const article = help.find(request.params.slug, request.query.locale ?? request.locale)
      if (!article) return problem(request, reply, { status: 404, code: 'not_found' })
      return { ...article, related: [...article.related] }
    },
  )
}
