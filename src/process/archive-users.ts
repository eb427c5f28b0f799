import type { Document } from 'mongodb';
import type { MongodbAccess } from '../archive/mongodb-access';
import { ConfigurationError, UnavailableError, messageOf } from '../errors';
import { refusalCode, replicaSetCommand } from './replica-set-command';

export interface ArchiveUsersOptions {
  /** The primary. */
  readonly member: string;
  readonly database: string;
  /** With the members' key and the users to be. */
  readonly access: MongodbAccess;
}

const ROLE_EXISTS = 51_002;
const USER_EXISTS = 51_003;
const WRITE_CONCERN = { w: 'majority', wtimeout: 10_000 } as const;

interface Grant {
  readonly role: string;
  readonly privileges: (database: string) => readonly Document[];
  readonly roles: (database: string) => readonly Document[];
}

const readWrite = (db: string): Document[] => [{ role: 'readWrite', db }];
/** What the program asks a server at its start; and the window of idempotency keys is changed in their index. */
const preparing = (db: string): Document[] => [
  { resource: { cluster: true }, actions: ['getParameter'] },
  { resource: { db, collection: 'keys' }, actions: ['collMod'] },
];
const watching: Document = { resource: { cluster: true }, actions: ['replSetGetStatus'] };

/** What each user may do: no more than its processes need. Nobody may make users; only the members' key can. */
const GRANTS: Readonly<Record<string, Grant>> = {
  admin: {
    role: 'resilog-admin', roles: readWrite,
    privileges: (db) => [...preparing(db), {
      resource: { cluster: true },
      actions: ['replSetGetStatus', 'replSetGetConfig', 'replSetConfigure', 'replSetStateChange', 'serverStatus'],
    }],
  },
  producer: { role: 'resilog-producer', roles: readWrite, privileges: preparing },
  consumer: { role: 'resilog-consumer', roles: readWrite, privileges: preparing },
  launcher: { role: 'resilog-launcher', roles: () => [], privileges: () => [watching] },
};

/**
 * Makes the archive's users, or gives them their present password and rights. Safe to repeat. ConfigurationError for
 * a user of another name; UnavailableError when the primary does not do it.
 */
export async function declareUsers({ member, database, access }: ArchiveUsersOptions): Promise<void> {
  for (const { user, password } of access.users ?? []) {
    const grant = GRANTS[user];
    if (grant === undefined) {
      throw new ConfigurationError(`there is no role "${user}" for a user of the archive`, {
        remedy: `name ${Object.keys(GRANTS).join(', ')}`,
      });
    }
    const rights = { privileges: grant.privileges(database), roles: grant.roles(database) };
    await makeOrChange(member, access, 'Role', grant.role, rights, ROLE_EXISTS);
    const secrets = { pwd: password, roles: [{ role: grant.role, db: 'admin' }], mechanisms: ['SCRAM-SHA-256'] };
    await makeOrChange(member, access, 'User', user, secrets, USER_EXISTS);
  }
}

async function makeOrChange(
  member: string, access: MongodbAccess, kind: 'Role' | 'User', name: string, content: Document, exists: number,
): Promise<void> {
  const call = (verb: string): Promise<Document> =>
    replicaSetCommand(member, access, 'member', { [`${verb}${kind}`]: name, ...content, writeConcern: WRITE_CONCERN });
  try {
    await call('create').catch((error: unknown) => {
      if (refusalCode(error) !== exists) throw error;
      return call('update');
    });
  } catch (error) {
    throw new UnavailableError(`${member} does not make the ${kind.toLowerCase()} ${name}: ${messageOf(error)}`, { cause: error });
  }
}
