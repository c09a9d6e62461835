/**
 * Organizations: who belongs together, and the projects that hold keys and spend. Every account has
 * one personal organization with one project from the moment it is verified, so nothing else needs
 * a special case for "no organization yet".
 *
 * Invariants: membership is the only way to a project; whoever is not a member is told the same as
 * for a project that does not exist. Owners and admins make projects, members use them.
 *
 * Neighbours: audit. What it does not do: keys, limits, spend.
 */
import type { Clock } from '#platform/clock/clock.ts'
import type { Database } from '#platform/db/database.ts'
import type { Ids } from '#platform/ids/ids.ts'
import type { Audit } from '../audit/index.ts'
import type { Organizations } from './organization.ts'
import { sqlOrganizationStore } from './store.sql.ts'

export { organizationExporter } from './export.ts'
export type { MembershipRole, Organization, Organizations, Project } from './organization.ts'
export { projectRoutes } from './routes.ts'

/** Enough for anybody; a bound because every project costs a row in every usage view. */
export const projectsMax = 200

export function createOrganizations(deps: {
  database: Database
  clock: Clock
  ids: Ids
  audit: Audit
}): Organizations {
  const { database, clock, ids, audit } = deps
  const store = sqlOrganizationStore(database)
  return {
    createPersonal: (account) =>
      database.transaction(async () => {
        const at = clock.now()
        const organization = { id: ids('org'), name: account.name, createdAt: at }
        const project = {
          id: ids('proj'),
          organizationId: organization.id,
          name: 'Default',
          createdAt: at,
        }
        await store.insertOrganization(organization)
        await store.insertMembership(organization.id, account.id, 'owner', at)
        await store.insertProject(project)
        return { organization, project }
      }),
    of: (accountId) => store.memberships(accountId),
    projectsOf: (accountId) => store.projects(accountId),
    createProject: ({ accountId, organizationId, name, actorName }) =>
      database.transaction(async () => {
        const role = await store.role(accountId, organizationId)
        if (role === null) return { ok: false, reason: 'not_found' }
        if (role === 'member') return { ok: false, reason: 'role_insufficient' }
        await database.lock(`projects:${organizationId}`)
        if ((await store.countProjects(organizationId)) >= projectsMax)
          return { ok: false, reason: 'too_many_projects' }
        const project = { id: ids('proj'), organizationId, name, createdAt: clock.now() }
        await store.insertProject(project)
        await audit.append({
          actor: { kind: 'account', id: accountId, name: actorName },
          action: 'project.created',
          subject: { kind: 'project', id: project.id, name },
        })
        return { ok: true, project }
      }),
    projectFor: (accountId, projectId) => store.projectFor(accountId, projectId),
    roleIn: (accountId, organizationId) => store.role(accountId, organizationId),
  }
}
