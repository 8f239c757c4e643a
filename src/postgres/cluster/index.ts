export { startCluster, type Cluster, type ClusterOptions } from './start.ts'
export type { LogLine, MemberState } from './crew.ts'
