import type { MongoClientOptions } from 'mongodb';
import { tlsOptions, type Credentials, type ServerAccess } from '../server-access';

export interface MongodbAccess extends ServerAccess {
  /**
   * Content of the members' keyFile, by which they know one another. Whoever has it may do everything, before there
   * is any user too: the root of a cluster makes the replica set and its users with it.
   */
  readonly key?: string;
  /** The users that the root declares, by role. */
  readonly users?: readonly Credentials[];
}

/** As what a connection is made: as the configured user, as a member of the set, or as nobody. */
export type MongodbIdentity = 'user' | 'member' | 'nobody';

/**
 * What to give to the driver besides the connection string, which holds no password. Credentials in the string itself
 * (of a MongoDB that is not the cluster's) go before the configured ones. With an authority the connection is
 * encrypted, or fails.
 */
export function mongodbAccessOptions(
  url: string, access: MongodbAccess | undefined, identity: MongodbIdentity = 'user',
): MongoClientOptions {
  const transport: MongoClientOptions = {
    ...tlsOptions(access), ...(access?.authority === undefined ? {} : { tls: true }),
  };
  if (identity === 'member' && access?.key !== undefined) {
    return { ...transport, auth: { username: '__system', password: access.key }, authSource: 'local', authMechanism: 'SCRAM-SHA-256' };
  }
  const credentials = access?.credentials;
  if (identity === 'nobody' || credentials === undefined || hasCredentials(url)) return transport;
  return {
    ...transport, auth: { username: credentials.user, password: credentials.password },
    ...(/[?&]authSource=/.test(url) ? {} : { authSource: 'admin' }),
  };
}

function hasCredentials(url: string): boolean {
  return /^mongodb(\+srv)?:\/\/[^/?]*@/.test(url);
}
