import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { rfc3339, rfc3339OrNull } from '#platform/clock/clock.ts'
import { principalOf } from '#platform/http/access.ts'
import type { App } from '#platform/http/app.ts'
import type { ProblemSender } from '#platform/http/problem.ts'
import type { Places } from '#platform/places/places.ts'
import { placeSchema, presentPlace } from '#platform/places/present.ts'
import { deviceText } from '../../messages/devices.ts'
import type { Locale } from '../../messages/messages.ts'
import type { SessionsContext } from './context.ts'
import { disownDevice } from './not-me.ts'
import type { HeldDevice, Sessions } from './session.ts'

const deviceSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    kind: z.enum(['browser', 'app']),
    current: z.boolean(),
    address: z.string(),
    place: placeSchema,
    first_seen_at: z.string(),
    last_seen_at: z.string(),
    holds: z.object({
      sessions: z.int(),
      grants: z.array(
        z.object({
          id: z.string(),
          client_name: z.string(),
          renews_until: z.string().nullable(),
        }),
      ),
    }),
  })
  .meta({ id: 'Device' })

/** Devices as their owner sees them; `current` is the asking one, null where there is none yet. */
const presentDevices = (
  places: Places,
  devices: readonly HeldDevice[],
  reader: { locale: Locale; current: string | null },
) => Promise.all(devices.map((device) => presentDevice(places, device, reader)))

const presentDevice = async (
  places: Places,
  device: HeldDevice,
  { locale, current }: { locale: Locale; current: string | null },
) => ({
  id: device.id,
  name: deviceText(locale, device.name, device.kind === 'app'),
  kind: device.kind,
  current: device.id === current,
  address: device.address,
  place: presentPlace(await places.of(device.address)),
  first_seen_at: rfc3339(device.firstSeenAt),
  last_seen_at: rfc3339(device.lastSeenAt),
  holds: {
    sessions: device.sessions,
    grants: device.grants.map(({ id, clientName, renewsUntil }) => ({
      id,
      client_name: clientName,
      renews_until: rfc3339OrNull(renewsUntil),
    })),
  },
})

/** The answer to one device too many: with the devices to choose from, for that is all that is left. */
export async function refuseDevice(
  { places, problem }: { places: Places; problem: ProblemSender },
  request: FastifyRequest,
  reply: FastifyReply,
  refusal:
    | { reason: 'device_limit_reached'; devices: readonly HeldDevice[]; ticket?: string }
    | { reason: 'device_limit_refused' },
) {
  const { reason } = refusal
  if (reason === 'device_limit_refused')
    return problem(request, reply, { status: 409, code: reason })
  const devices = await presentDevices(places, refusal.devices, {
    locale: request.locale,
    current: null,
  })
  const { ticket } = refusal
  const members = { ...(ticket === undefined ? {} : { ticket }), devices }
  return problem(request, reply, { status: 409, code: reason }, { members })
}

/** One's devices: what each holds, and the end of one or of all others. Also for the suspended. */
export function deviceRoutes(
  app: App,
  deps: { sessions: Sessions; context: SessionsContext; problem: ProblemSender },
): void {
  const { sessions, context, problem } = deps
  const access = { auth: 'session', standing: 'any' } as const

  app.get(
    '/api/devices',
    {
      config: { access },
      schema: {
        tags: ['sessions'],
        summary: 'My devices, with the sessions and apps that hang on each',
        response: { 200: z.object({ items: z.array(deviceSchema) }) },
      },
    },
    async (request) => {
      const { accountId, deviceId } = principalOf(request)
      const devices = await sessions.devices(accountId)
      const reader = { locale: request.locale, current: deviceId }
      return { items: await presentDevices(context.places, devices, reader) }
    },
  )

  app.delete(
    '/api/devices/:id',
    {
      config: { access },
      schema: {
        tags: ['sessions'],
        summary: 'End a device: its sessions, and the apps allowed on it',
        params: z.strictObject({ id: z.string().max(64) }),
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      const { accountId, name, deviceId } = principalOf(request)
      const { id } = request.params
      const here = id === deviceId
      const ended = await sessions.endDevices(
        { id: accountId, name },
        { only: id },
        here ? 'signed_out' : 'signed_out_elsewhere',
      )
      if (ended === 0) return problem(request, reply, { status: 404, code: 'not_found' })
      if (here) context.cookies.forgetBrowser(reply)
      return reply.code(204).send(null)
    },
  )

  app.delete(
    '/api/devices',
    {
      config: { access },
      schema: {
        tags: ['sessions'],
        summary: 'End every other device',
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      const { accountId, name, deviceId } = principalOf(request)
      const person = { id: accountId, name }
      await sessions.endDevices(person, { except: deviceId }, 'signed_out_elsewhere')
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/api/devices/not-me',
    {
      config: { access: { auth: 'public', rate: 'credential' } },
      schema: {
        tags: ['sessions'],
        summary: 'End the device a mail was about by its link, and mail a code for a new password',
        body: z.strictObject({ token: z.string().min(1).max(100) }),
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      if (!(await disownDevice(context, request.body.token)))
        return problem(request, reply, { status: 400, code: 'device_link_invalid' })
      return reply.code(204).send(null)
    },
  )
}
