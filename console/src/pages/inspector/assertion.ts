import { randomText } from './pkce.ts'
import { field, type Held, type Mistake, type Setup } from './requests.ts'
import { newPageKey, type PageKey, secondsNow, signed } from './signing.ts'
import { type Field, valueNamed, type WireRequest } from './wire.ts'

/** The key that stands in for the app's own while a test lasts, by the name it was registered with. */
export type AppKey = PageKey & { kid: string }

export async function newAppKey(): Promise<AppKey> {
  return { ...(await newPageKey()), kid: `inspector-${randomText().slice(0, 10)}` }
}

/** What is registered of it. */
export const registeredPart = ({ jwk, kid }: AppKey) => ({ ...jwk, kid, alg: 'ES256', use: 'sig' })

const lifeSeconds = 60
const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** The two parameters by which an app shows that it holds its key (RFC 7523 section 2.2). */
export const assertionFields = (assertion: string): Field[] => [
  field('client_assertion_type', type),
  field('client_assertion', assertion),
]

/** Signs what the form announced, or, on purpose, something the server must not take. */
export async function withAssertion(
  request: WireRequest,
  setup: Setup,
  held: Held,
  mistake: Mistake | null,
): Promise<WireRequest> {
  if (!setup.key || valueNamed(request.form ?? [], 'client_assertion') === undefined) return request
  const id = setup.app.client_id
  const now = secondsNow()
  const made =
    mistake === 'old_assertion' && held.lastAssertion
      ? held.lastAssertion
      : await signed(
          mistake === 'wrong_key' ? await newPageKey() : setup.key,
          { kid: setup.key.kid },
          {
            iss: id,
            sub: id,
            aud: mistake === 'wrong_audience' ? 'https://another.example' : setup.origin,
            jti: randomText(),
            iat: now,
            exp: now + lifeSeconds,
          },
        )
  const signedField = (one: Field) =>
    one.name === 'client_assertion' ? field(one.name, made) : one
  return { ...request, form: (request.form ?? []).map(signedField) }
}

/** What an exchange leaves to be presented a second time. */
export const assertionHeld = (request: WireRequest, held: Held): Pick<Held, 'lastAssertion'> => ({
  lastAssertion: valueNamed(request.form ?? [], 'client_assertion') ?? held.lastAssertion,
})
