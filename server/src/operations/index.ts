/**
 * Operations: what operators see of the installation itself: the audit log, the model servers, the
 * health of this node, and what is counted of its calls. Decides nothing.
 *
 * Neighbours: audit, usage, platform, and the gateway's view of its upstreams, handed in.
 */
export { countCalls } from './call-figures.ts'
export { operationsRoutes, type UpstreamView } from './routes.ts'
