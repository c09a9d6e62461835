export type MembershipRole = 'owner' | 'admin' | 'member'
export type Organization = { id: string; name: string; createdAt: number }
export type Project = { id: string; organizationId: string; name: string; createdAt: number }

/** `not_found`: no such organization, or the account is no member of it. */
export type ProjectRefusal = 'not_found' | 'role_insufficient' | 'too_many_projects'

export type Organizations = {
  /** The personal organization with one project, made with the account, in its transaction. */
  createPersonal(account: {
    id: string
    name: string
  }): Promise<{ organization: Organization; project: Project }>
  /** The account's organizations with its role in each, oldest first. */
  of(accountId: string): Promise<{ organization: Organization; role: MembershipRole }[]>
  projectsOf(accountId: string): Promise<Project[]>
  createProject(input: {
    accountId: string
    organizationId: string
    name: string
    /** For the audit line. */
    actorName: string
  }): Promise<{ ok: true; project: Project } | { ok: false; reason: ProjectRefusal }>
  /** The project when the account is a member of its organization; otherwise null, as if it did not exist. */
  projectFor(
    accountId: string,
    projectId: string,
  ): Promise<(Project & { role: MembershipRole }) | null>
  roleIn(accountId: string, organizationId: string): Promise<MembershipRole | null>
}
