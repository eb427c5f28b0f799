import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { MongodbAccess } from '../archive/mongodb-access';
import { ConfigurationError, messageOf } from '../errors';
import type { LogLevel } from '../log';
import { digestIdentity } from '../registry/access';
import type { Identities } from '../registry/access-plan';
import { loadSchema } from '../schemas';
import { parseCredentials, type Credentials, type ServerAccess } from '../server-access';

/** Address of one ZooKeeper member, without brackets. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
}

/** The file that a process is started with; see schemas/process.json. Relative paths are relative to the file. */
export interface ProcessConfiguration {
  readonly file: string;
  readonly zookeeper: readonly ServerAddress[];
  readonly chroot: string;
  /** `user:password`, read from the file named by `credentials`. */
  readonly credentials: string | undefined;
  /** Nodes are made with the access rights of these roles; undefined: open. */
  readonly access: Identities | undefined;
  readonly member: string | undefined;
  readonly address: string | undefined;
  readonly port: number | undefined;
  readonly data: string | undefined;
  /** Folder of PyLogsParser's definitions; undefined: that of the checkout. */
  readonly pylogsparser: string | undefined;
  readonly tls: { readonly certificate: string; readonly key: string } | undefined;
  /** How this process proves itself to MongoDB and to Solr, and whom it trusts; undefined: they ask for nothing. */
  readonly mongodb: MongodbAccess | undefined;
  readonly solr: ServerAccess | undefined;
  readonly logLevel: LogLevel;
}

/** Names of files. */
interface AccessFiles {
  credentials?: string;
  authority?: string;
  key?: string;
  users?: string;
}

interface ConfigurationFile {
  zookeeper: string[];
  chroot?: string;
  credentials?: string;
  access?: Identities;
  member?: string;
  address?: string;
  port?: number;
  data?: string;
  pylogsparser?: string;
  tls?: { certificate: string; key: string };
  mongodb?: AccessFiles;
  solr?: AccessFiles;
  logLevel?: LogLevel;
}

/** Reads and checks a configuration file. ConfigurationError names the file, the key, the value and the remedy. */
export function readConfiguration(file: string): ProcessConfiguration {
  const checked = loadSchema<ConfigurationFile>('process').check(parse(file));
  if ('problem' in checked) {
    throw new ConfigurationError(`${file}: ${checked.problem}`, {
      remedy: 'correct the file; its keys are described in schemas/process.json',
    });
  }
  const content = checked.value;
  const inFolder = (path: string | undefined): string | undefined =>
    path === undefined ? undefined : resolve(dirname(file), path);
  const credentials = content.credentials === undefined
    ? undefined : readSecret(resolve(dirname(file), content.credentials));
  if (content.access !== undefined) mustBeOneOf(file, content.access, credentials);
  return {
    file,
    zookeeper: content.zookeeper.map(parseAddress),
    chroot: content.chroot ?? '/resilog',
    credentials,
    access: content.access,
    member: content.member,
    address: content.address,
    port: content.port,
    data: inFolder(content.data),
    pylogsparser: inFolder(content.pylogsparser),
    tls: content.tls && {
      certificate: resolve(dirname(file), content.tls.certificate),
      key: resolve(dirname(file), content.tls.key),
    },
    mongodb: content.mongodb && readAccess(dirname(file), content.mongodb),
    solr: content.solr && readAccess(dirname(file), content.solr),
    logLevel: content.logLevel ?? 'info',
  };
}

/**
 * The configuration that commands use when none is named: RESILOG_CONFIG, or `var/resilog.json` of the checkout
 * that the program runs from.
 */
export function findConfiguration(environment: NodeJS.ProcessEnv, programFolder: string): string {
  const named = environment.RESILOG_CONFIG;
  if (named !== undefined && named !== '') return resolve(named);
  const local = join(realpathSync(programFolder), 'var', 'resilog.json');
  if (existsSync(local)) return local;
  throw new ConfigurationError(`no cluster is configured: ${local} does not exist and RESILOG_CONFIG is not set`, {
    remedy: 'start the local cluster with `make up`, or name a configuration file with --config or RESILOG_CONFIG',
  });
}

/** The configuration of a process that must be told which it is: that of --config, without a guess. */
export function namedConfiguration(program: { opts(): { config?: string } }): ProcessConfiguration {
  const { config } = program.opts();
  if (config === undefined) throw new ConfigurationError('no configuration file is named', { remedy: 'name it with --config' });
  return readConfiguration(config);
}

/** Splits `[::1]:12181` or `host:12181`. */
export function parseAddress(text: string): ServerAddress {
  const match = /^(?:\[(?<v6>[^\]]+)\]|(?<name>[^:]+)):(?<port>\d+)$/.exec(text);
  const host = match?.groups?.v6 ?? match?.groups?.name;
  const port = Number(match?.groups?.port);
  if (host === undefined || !(port >= 0 && port <= 65_535)) {
    throw new ConfigurationError(`"${text}" is not an address`, { remedy: 'write it as [::1]:12181 or host:12181' });
  }
  return { host, port };
}

/** `[::1]:8443`; a name or IPv4 address without brackets. */
export function formatAddress(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function parse(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new ConfigurationError(`${file} can't be read: ${messageOf(error)}`, {
      cause: error,
      remedy: 'name a JSON file with --config or RESILOG_CONFIG',
    });
  }
}

/** Whoever is none of the roles would be refused everywhere, and what it made would be out of its own reach. */
function mustBeOneOf(file: string, access: Identities, credentials: string | undefined): void {
  if (credentials !== undefined && Object.values(access).includes(digestIdentity(credentials))) return;
  throw new ConfigurationError(`${file}: the credentials are those of none of the roles in "access"`, {
    remedy: 'name the file with the credentials of one role in "credentials"',
  });
}

function readAccess(folder: string, files: AccessFiles): MongodbAccess {
  const read = (name: string | undefined): string | undefined =>
    name === undefined ? undefined : readSecret(resolve(folder, name));
  const [authority, key] = [read(files.authority), read(files.key)];
  const only = (name: string | undefined): readonly Credentials[] =>
    (read(name) ?? '').split('\n').filter((line) => line !== '').map((line) => {
      const credentials = parseCredentials(line);
      if (credentials !== undefined) return credentials;
      throw new ConfigurationError(`${resolve(folder, name ?? '')} does not hold user:password`);
    });
  const [credentials] = only(files.credentials);
  return {
    ...(credentials === undefined ? {} : { credentials }),
    ...(authority === undefined ? {} : { authority }),
    // mongod leaves out white space too.
    ...(key === undefined ? {} : { key: key.replace(/\s/g, '') }),
    ...(files.users === undefined ? {} : { users: only(files.users) }),
  };
}

function readSecret(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new ConfigurationError(`${file} can't be read: ${messageOf(error)}`, { cause: error });
  }
}
