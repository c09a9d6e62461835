import type { Database } from '#platform/db/database.ts'
import type { MembershipRole, Organization, Project } from './organization.ts'

type OrganizationTables = {
  organizations: { id: string; name: string; created_at: number }
  memberships: {
    organization_id: string
    account_id: string
    role: MembershipRole
    created_at: number
  }
  projects: { id: string; organization_id: string; name: string; created_at: number }
}

export type OrganizationStore = {
  insertOrganization(organization: Organization): Promise<void>
  insertMembership(
    organizationId: string,
    accountId: string,
    role: MembershipRole,
    at: number,
  ): Promise<void>
  insertProject(project: Project): Promise<void>
  memberships(accountId: string): Promise<{ organization: Organization; role: MembershipRole }[]>
  role(accountId: string, organizationId: string): Promise<MembershipRole | null>
  projects(accountId: string): Promise<Project[]>
  countProjects(organizationId: string): Promise<number>
  projectFor(
    accountId: string,
    projectId: string,
  ): Promise<(Project & { role: MembershipRole }) | null>
}

export function sqlOrganizationStore(database: Database): OrganizationStore {
  const tables = database.tables<OrganizationTables>()
  /** Every project of every organization the account belongs to; membership is the only way in. */
  const reachable = (accountId: string) =>
    tables.query
      .selectFrom('projects')
      .innerJoin('memberships', 'memberships.organization_id', 'projects.organization_id')
      .select([
        'projects.id',
        'projects.organization_id',
        'projects.name',
        'projects.created_at',
        'memberships.role',
      ])
      .where('memberships.account_id', '=', accountId)
  return {
    async insertOrganization({ id, name, createdAt }) {
      await tables.query
        .insertInto('organizations')
        .values({ id, name, created_at: createdAt })
        .execute()
    },
    async insertMembership(organizationId, accountId, role, at) {
      await tables.query
        .insertInto('memberships')
        .values({ organization_id: organizationId, account_id: accountId, role, created_at: at })
        .execute()
    },
    async insertProject({ id, organizationId, name, createdAt }) {
      await tables.query
        .insertInto('projects')
        .values({ id, organization_id: organizationId, name, created_at: createdAt })
        .execute()
    },
    async memberships(accountId) {
      const rows = await tables.query
        .selectFrom('memberships')
        .innerJoin('organizations', 'organizations.id', 'memberships.organization_id')
        .select([
          'organizations.id',
          'organizations.name',
          'organizations.created_at',
          'memberships.role',
        ])
        .where('memberships.account_id', '=', accountId)
        .orderBy('organizations.id')
        .execute()
      return rows.map(({ id, name, created_at, role }) => ({
        organization: { id, name, createdAt: created_at },
        role,
      }))
    },
    async role(accountId, organizationId) {
      const row = await tables.query
        .selectFrom('memberships')
        .select('role')
        .where('organization_id', '=', organizationId)
        .where('account_id', '=', accountId)
        .executeTakeFirst()
      return row?.role ?? null
    },
    async projects(accountId) {
      const rows = await reachable(accountId).orderBy('projects.id').execute()
      return rows.map(toProject)
    },
    async countProjects(organizationId) {
      const { count } = await tables.query
        .selectFrom('projects')
        .select((eb) => eb.fn.countAll<number>().as('count'))
        .where('organization_id', '=', organizationId)
        .executeTakeFirstOrThrow()
      return count
    },
    async projectFor(accountId, projectId) {
      const row = await reachable(accountId).where('projects.id', '=', projectId).executeTakeFirst()
      return row ? { ...toProject(row), role: row.role } : null
    },
  }
}

const toProject = (row: OrganizationTables['projects']): Project => ({
  id: row.id,
  organizationId: row.organization_id,
  name: row.name,
  createdAt: row.created_at,
})
