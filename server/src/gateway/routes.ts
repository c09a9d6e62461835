import { z } from 'zod'
import type { App } from '#platform/http/app.ts'
import type { Gateway } from './index.ts'

const modelsResponse = z.object({
  items: z.array(
    z.object({
      id: z.string(),
      owned_by: z.string(),
      prices: z
        .object({ input: z.number(), cached_input: z.number(), output: z.number() })
        .nullable(),
    }),
  ),
})

/** The models people can call, for the console. Prices are micro-units per million tokens. */
export function modelsRoutes(app: App, gateway: Pick<Gateway, 'models'>): void {
  app.get(
    '/api/models',
    {
      config: { access: { auth: 'session', standing: 'any' } },
      schema: {
        tags: ['Models'],
        summary: 'Models and their prices',
        response: { 200: modelsResponse },
      },
    },
    async () => ({
      items: gateway.models().map(({ id, ownedBy, price }) => ({
        id,
        owned_by: ownedBy,
        prices: price && {
          input: price.input,
          cached_input: price.cachedInput,
          output: price.output,
        },
      })),
    }),
  )
}
