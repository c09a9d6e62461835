import { rfc3339 } from '#platform/clock/clock.ts'
import type { Organizations } from './organization.ts'

/** Where the account belongs, with the projects it reaches. */
export const organizationExporter = (organizations: Organizations) => ({
  part: 'organizations',
  async collect(accountId: string) {
    const projects = await organizations.projectsOf(accountId)
    return (await organizations.of(accountId)).map(({ organization, role }) => ({
      id: organization.id,
      name: organization.name,
      role,
      created_at: rfc3339(organization.createdAt),
      projects: projects
        .filter((project) => project.organizationId === organization.id)
        .map(({ id, name, createdAt }) => ({ id, name, created_at: rfc3339(createdAt) })),
    }))
  },
})
