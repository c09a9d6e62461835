import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { rfc3339 } from '#platform/clock/clock.ts'
import { principalOf } from '#platform/http/access.ts'
import type { App } from '#platform/http/app.ts'
import type { ProblemAnswer, ProblemSender } from '#platform/http/problem.ts'
import { placeSchema, presentPlace } from '#platform/places/present.ts'
import { deviceText } from '../../messages/devices.ts'
import type { Locale } from '../../messages/messages.ts'
import {
  type AccountNeighbours,
  type AccountsRoom,
  accountSchema,
  type PasswordProof,
  type ProofRefusal,
  presentAccount,
} from '../accounts/index.ts'
import { type SessionsContext, tokenDigest } from './context.ts'
import { refuseDevice } from './devices.routes.ts'
import type { Session, Sessions, SignIn } from './session.ts'

const sessionSchema = z.object({
  id: z.string(),
  current: z.boolean(),
  device: z.object({ id: z.string(), name: z.string() }),
  address: z.string(),
  place: placeSchema,
  created_at: z.string(),
  last_seen_at: z.string(),
})

const answers = {
  sign_in_failed: { status: 401, code: 'sign_in_failed' },
  email_unverified: { status: 403, code: 'email_unverified' },
  busy: { status: 503, code: 'service_busy' },
  rate_limited: { status: 429, code: 'rate_limited' },
  sign_in_paused: { status: 429, code: 'sign_in_paused' },
} as const satisfies Record<ProofRefusal['reason'], ProblemAnswer>

const proofAnswers = {
  current_password_wrong: { status: 403, code: 'current_password_wrong' },
  rate_limited: { status: 429, code: 'rate_limited' },
  sign_in_paused: { status: 429, code: 'sign_in_paused' },
  busy: { status: 503, code: 'service_busy' },
} as const satisfies Record<PasswordProof['reason'], ProblemAnswer>

/** Signing in and out, and seeing where one is signed in. */
export function sessionRoutes(
  app: App,
  deps: {
    sessions: Sessions
    context: SessionsContext
    prove: AccountsRoom['prove']
    proveAgain: AccountsRoom['proveAgain']
    organizationsOf: AccountNeighbours['organizationsOf']
    problem: ProblemSender
  },
): void {
  const { sessions, context, prove, proveAgain, organizationsOf, problem } = deps
  const { cookies, keyring, store, places } = context

  const present = async ({ device, ...session }: Session, current: string, locale: Locale) => ({
    id: session.id,
    current: session.id === current,
    device: { id: device.id, name: deviceText(locale, device.name, device.kind === 'app') },
    address: device.address,
    place: presentPlace(await places.of(device.address)),
    created_at: rfc3339(session.createdAt),
    last_seen_at: rfc3339(session.lastSeenAt),
  })

  const refuseSignIn = (
    refusal: Extract<SignIn, { ok: false }>,
    request: FastifyRequest,
    reply: FastifyReply,
  ) => refuseDevice({ places, problem }, request, reply, refusal)

  app.post(
    '/api/sessions',
    {
      config: { access: { auth: 'public', rate: 'credential' } },
      schema: {
        tags: ['sessions'],
        summary: 'Sign in',
        body: z.strictObject({ email: z.string().max(320), password: z.string().min(1).max(1024) }),
        response: { 201: accountSchema },
      },
    },
    async (request, reply) => {
      const device = cookies.deviceToken(request)
      const proof = await prove({
        ...request.body,
        address: request.ip,
        async knownDevice(accountId) {
          if (device === null) return null
          return (await store.findDevice(accountId, tokenDigest(keyring, device)))?.id ?? null
        },
      })
      if (!proof.ok) {
        const wait = 'retryAfterSeconds' in proof ? proof.retryAfterSeconds : undefined
        const retryAfterSeconds = proof.reason === 'busy' ? 3 : wait
        return problem(
          request,
          reply,
          answers[proof.reason],
          retryAfterSeconds === undefined ? {} : { retryAfterSeconds },
        )
      }
      const signIn = await sessions.signIn(proof.account, ['pwd'], request, reply)
      if (!signIn.ok) return refuseSignIn(signIn, request, reply)
      return reply.code(201).send(await presentAccount(proof.account, organizationsOf))
    },
  )

  app.post(
    '/api/sessions/continue',
    {
      config: { access: { auth: 'public', rate: 'credential' } },
      schema: {
        tags: ['sessions'],
        summary:
          'Sign in beyond the device limit: end a device by the ticket of the refused sign-in',
        body: z.strictObject({
          ticket: z.string().min(1).max(100),
          end_device_id: z.string().max(64),
        }),
        response: { 201: accountSchema },
      },
    },
    async (request, reply) => {
      const { ticket, end_device_id: endDeviceId } = request.body
      const gone = await sessions.continueSignIn({ ticket, endDeviceId }, request, reply)
      if (!gone) return problem(request, reply, { status: 401, code: 'sign_in_ticket_invalid' })
      if (!gone.signIn.ok) return refuseSignIn(gone.signIn, request, reply)
      return reply.code(201).send(await presentAccount(gone.account, organizationsOf))
    },
  )

  app.post(
    '/api/sessions/current/prove',
    {
      config: { access: { auth: 'session', standing: 'any', rate: 'credential' } },
      schema: {
        tags: ['sessions'],
        summary:
          'Prove the password once more, for what needs a recent proof; the session id changes',
        body: z.strictObject({ password: z.string().min(1).max(1024) }),
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      const proof = await proveAgain(principalOf(request).accountId, request.body.password)
      if (!proof.ok) {
        const wait = 'retryAfterSeconds' in proof ? proof.retryAfterSeconds : undefined
        const retryAfterSeconds = proof.reason === 'busy' ? 3 : wait
        const extras = retryAfterSeconds === undefined ? {} : { retryAfterSeconds }
        return problem(request, reply, proofAnswers[proof.reason], extras)
      }
      await sessions.start(proof.account, ['pwd'], request, reply)
      return reply.code(204).send(null)
    },
  )

  app.get(
    '/api/sessions',
    {
      config: { access: { auth: 'session', standing: 'any' } },
      schema: {
        tags: ['sessions'],
        summary: 'Where I am signed in',
        response: { 200: z.object({ items: z.array(sessionSchema) }) },
      },
    },
    async (request) => {
      const { accountId, sessionId } = principalOf(request)
      const items = await sessions.list(accountId)
      const presented = items.map((session) => present(session, sessionId, request.locale))
      return { items: await Promise.all(presented) }
    },
  )

  app.delete(
    '/api/sessions/:id',
    {
      config: { access: { auth: 'session', standing: 'any' } },
      schema: {
        tags: ['sessions'],
        summary: 'Sign out here (`current`) or somewhere else',
        params: z.strictObject({ id: z.string().max(64) }),
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      const { accountId, sessionId } = principalOf(request)
      const id = request.params.id === 'current' ? sessionId : request.params.id
      const here = id === sessionId
      const ended = await sessions.end(accountId, id, here ? 'signed_out' : 'signed_out_elsewhere')
      if (!ended && !here) return problem(request, reply, { status: 404, code: 'not_found' })
      if (here) cookies.forgetBrowser(reply)
      return reply.code(204).send(null)
    },
  )

  app.delete(
    '/api/sessions',
    {
      config: { access: { auth: 'session', standing: 'any' } },
      schema: {
        tags: ['sessions'],
        summary: 'Sign out everywhere else',
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      const { accountId, sessionId } = principalOf(request)
      await sessions.endOthers(accountId, sessionId, 'signed_out_elsewhere')
      return reply.code(204).send(null)
    },
  )
}
