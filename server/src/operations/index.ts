/**
 * Operations: what operators see of the installation itself: the audit log, the model servers, the
 * health of this node. Reads only.
 *
 * Neighbours: audit, platform, and the gateway's view of its upstreams, handed in.
 */
export { operationsRoutes, type UpstreamView } from './routes.ts'
