import { Access, type AccessEntry, type AccessPlan } from './access';
import { componentKinds, paths, restartLock } from './paths';

/**
 * Who may do what below the chroot. Keys of sources are credentials: nobody but administrators and producers sees
 * them, and nobody but administrators writes them. Nothing is open to the world.
 */
export const roles = ['admin', 'producer', 'consumer', 'launcher'] as const;
export type Role = (typeof roles)[number];

/** Digest identities of the roles; see `digestIdentity`. */
export type Identities = Readonly<Record<Role, string>>;

const none: readonly Access[] = [];
const read: readonly Access[] = [Access.read];
const all: readonly Access[] = [Access.read, Access.write, Access.create, Access.delete];

interface Rule {
  /** The node itself and all below it. */
  readonly path: string;
  readonly producer: readonly Access[];
  readonly consumer: readonly Access[];
  readonly launcher: readonly Access[];
}

/** The first rule whose path is the node or above it counts. */
const rules: readonly Rule[] = [
  { path: paths.keys, producer: read, consumer: none, launcher: none },
  { path: paths.sources, producer: read, consumer: none, launcher: none },
  { path: paths.settings, producer: read, consumer: read, launcher: read },
  { path: paths.cluster, producer: read, consumer: read, launcher: none },
  ...componentKinds.map((kind) => ({ path: `${paths.configuration}/${kind}`, producer: all, consumer: all, launcher: all })),
  { path: paths.configuration, producer: read, consumer: read, launcher: read },
  { path: paths.lanes, producer: all, consumer: read, launcher: none },
  { path: paths.queue, producer: all, consumer: all, launcher: none },
  { path: `${paths.locks}/${restartLock}`, producer: all, consumer: all, launcher: all },
  { path: paths.locks, producer: all, consumer: all, launcher: none },
  { path: paths.elections, producer: all, consumer: all, launcher: none },
  { path: '/', producer: read, consumer: read, launcher: read },
];

/** The plan of a cluster whose roles have these identities. */
export function accessPlan(identities: Identities): AccessPlan {
  return (path) => {
    const rule = rules.find((candidate) => isWithin(path, candidate.path));
    const entries: AccessEntry[] = [{ identity: identities.admin, access: [...all, Access.admin] }];
    for (const role of ['producer', 'consumer', 'launcher'] as const) {
      const access = rule?.[role] ?? none;
      if (access.length > 0) entries.push({ identity: identities[role], access });
    }
    return entries;
  };
}

function isWithin(path: string, folder: string): boolean {
  return folder === '/' || path === folder || path.startsWith(`${folder}/`);
}
