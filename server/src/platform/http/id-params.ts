import { z } from 'zod'

/** `:id` of a route: a handle of ours, and never a long one. */
export const idParams = z.object({ id: z.string().max(64) })
