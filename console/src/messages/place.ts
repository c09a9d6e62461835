import type { Answer } from '../api/client.ts'
import type { Format } from './format.ts'
import type { Messages } from './messages.tsx'

type Place = Answer<'GET /api/devices'>['items'][number]['place']

/** Where a network is registered, in the reader's language. */
export const placeText = (place: Place, m: Messages, format: Format): string =>
  place.kind === 'private'
    ? m.places.private
    : place.country === null
      ? m.places.unknown
      : format.country(place.country)
