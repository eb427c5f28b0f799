import { ConfigurationError, InputError } from '../errors';
import type { Log } from '../log';
import { loadSchema, type Schema } from '../schemas';
import type { Coordination } from './coordination';
import { paths } from './paths';
import { WatchedDocument } from './watched-document';

export interface Volume {
  /** Kept by files for ever. */
  readonly name: string;
  readonly url: string;
  /** Default `resilog`. */
  readonly database?: string;
}

/** Where the archive and the index are; see schemas/cluster.json. May hold credentials: never logged. */
export interface ClusterConnections {
  readonly mongodb: { readonly volumes: readonly Volume[] };
  readonly solr: { readonly urls: readonly string[] };
}

let compiled: Schema<ClusterConnections> | undefined;

/** InputError names what is wrong. */
export function parseConnections(value: unknown): ClusterConnections {
  compiled ??= loadSchema<ClusterConnections>('cluster');
  const checked = compiled.check(value);
  if ('problem' in checked) throw new InputError(checked.problem);
  const names = checked.value.mongodb.volumes.map((volume) => volume.name);
  if (new Set(names).size < names.length) throw new InputError('two volumes have the same name');
  return checked.value;
}

/** Reads the connections and keeps them up to date. ConfigurationError when there are none. */
export function watchConnections(coordination: Coordination, log: Log): Promise<WatchedDocument<ClusterConnections>> {
  return WatchedDocument.open({ coordination, path: paths.cluster, log, parse: parseConnections });
}

export async function readConnections(coordination: Coordination): Promise<ClusterConnections> {
  const content = await coordination.get(paths.cluster);
  if (content === undefined) {
    throw new ConfigurationError('the cluster is not initialised', { remedy: 'run `resilog init` once' });
  }
  return parseConnections(JSON.parse(content.data.toString('utf8')));
}

/** Stores other connections. A volume that exists may get another URL, but not disappear: files name it. */
export async function changeConnections(coordination: Coordination, next: ClusterConnections): Promise<void> {
  const checked = parseConnections(next);
  const content = await coordination.get(paths.cluster);
  if (content === undefined) throw new ConfigurationError('the cluster is not initialised');
  const former = parseConnections(JSON.parse(content.data.toString('utf8')));
  const kept = new Set(checked.mongodb.volumes.map((volume) => volume.name));
  const lost = former.mongodb.volumes.find((volume) => !kept.has(volume.name));
  if (lost !== undefined) throw new InputError(`volume "${lost.name}" can't be taken away: files may name it`);
  await coordination.set(paths.cluster, encodeConnections(checked), content.stat.version);
}

export function encodeConnections(connections: ClusterConnections): Buffer {
  return Buffer.from(JSON.stringify(connections, undefined, 2));
}
