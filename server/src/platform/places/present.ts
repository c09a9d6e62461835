import { z } from 'zod'
import type { Place } from './places.ts'

/** A place on the wire: whoever shows it names the country in the language of the reader. */
export const placeSchema = z
  .object({
    kind: z.enum(['country', 'private', 'unknown']),
    /** ISO 3166-1, two letters; null where `kind` is something else. */
    country: z.string().nullable(),
  })
  .meta({ id: 'Place' })

export const presentPlace = (place: Place) => ({
  kind: place.kind,
  country: place.kind === 'country' ? place.country : null,
})
