import { createHash } from 'node:crypto';

/**
 * Who may do what in the tree, as a plan that adapters turn into ACLs. A role is a digest identity; a process
 * makes nodes with the entries that its plan gives for their path. Without a plan the tree is open to all that
 * reach the server.
 */
export const Access = { read: 'read', write: 'write', create: 'create', delete: 'delete', admin: 'admin' } as const;
export type Access = (typeof Access)[keyof typeof Access];

export interface AccessEntry {
  /** `user:base64(sha1(user:password))`, as ZooKeeper's digest scheme has it. */
  readonly identity: string;
  readonly access: readonly Access[];
}

/** The entries of a node to be made; the path is below the chroot. */
export type AccessPlan = (path: string) => readonly AccessEntry[];

/** The digest identity of `user:password`. Of a password that is random it may be shown. */
export function digestIdentity(credentials: string): string {
  const user = credentials.slice(0, credentials.indexOf(':'));
  return `${user}:${createHash('sha1').update(credentials).digest('base64')}`;
}
