/** The tree below the chroot. Who may write what is in docs/specs/registry.md. */
export const paths = {
  /** Where it exists, everything exists. */
  identity: '/ClusterId',
  /** One node per key. */
  keys: '/Authentification',
  /** One node per source's name. */
  sources: '/Sources',
  configuration: '/Configuration',
  settings: '/Configuration/Settings',
  cluster: '/Configuration/Cluster',
  /** Which set of users' definitions is in force. */
  definitions: '/Configuration/Definitions',
  lanes: '/Lanes',
  queue: '/Queue',
  queueBuckets: '/Queue/buckets',
  queueDead: '/Queue/dead',
  locks: '/Locks',
  elections: '/Elections',
} as const;

/** Name of the lock whose holder may restart a member of the cluster. */
export const restartLock = 'restart';

/** Kinds of component, each with a folder of presence nodes below /Configuration. */
export const componentKinds = ['MongoDB', 'ZooKeeper', 'SolrCloud', 'Producer', 'Consumer', 'Console'] as const;
export type ComponentKind = (typeof componentKinds)[number];

export function presenceFolder(kind: ComponentKind): string {
  return `${paths.configuration}/${kind}`;
}
