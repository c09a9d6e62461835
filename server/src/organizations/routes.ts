import { z } from 'zod'
import { rfc3339 } from '#platform/clock/clock.ts'
import { principalOf } from '#platform/http/access.ts'
import type { App } from '#platform/http/app.ts'
import { label } from '#platform/http/label.ts'
import type { ProblemAnswer, ProblemSender } from '#platform/http/problem.ts'
import type { Organizations, Project, ProjectRefusal } from './organization.ts'

const projectSchema = z.object({
  id: z.string(),
  organization_id: z.string(),
  name: z.string(),
  created_at: z.string(),
})

const answers = {
  not_found: { status: 404, code: 'not_found' },
  role_insufficient: { status: 403, code: 'role_insufficient' },
  too_many_projects: { status: 409, code: 'too_many_projects' },
} as const satisfies Record<ProjectRefusal, ProblemAnswer>

const present = (project: Project) => ({
  id: project.id,
  organization_id: project.organizationId,
  name: project.name,
  created_at: rfc3339(project.createdAt),
})

export function projectRoutes(
  app: App,
  deps: { organizations: Organizations; problem: ProblemSender },
): void {
  const { organizations, problem } = deps

  app.get(
    '/api/projects',
    {
      config: { access: { auth: 'session', standing: 'any' } },
      schema: {
        tags: ['projects'],
        summary: 'The projects of my organizations',
        response: { 200: z.object({ items: z.array(projectSchema) }) },
      },
    },
    async (request) => ({
      items: (await organizations.projectsOf(principalOf(request).accountId)).map(present),
    }),
  )

  app.post(
    '/api/projects',
    {
      config: { access: { auth: 'session' } },
      schema: {
        tags: ['projects'],
        summary: 'Create a project',
        body: z.strictObject({
          name: label(100),
          organization_id: z.string().max(64).optional(),
        }),
        response: { 201: projectSchema },
      },
    },
    async (request, reply) => {
      const { accountId, name: actorName } = principalOf(request)
      const { name, organization_id } = request.body
      const first = async () => (await organizations.of(accountId))[0]?.organization.id ?? ''
      const organizationId = organization_id ?? (await first())
      const made = await organizations.createProject({ accountId, organizationId, name, actorName })
      if (!made.ok) return problem(request, reply, answers[made.reason])
      return reply.code(201).send(present(made.project))
    },
  )
}
