import type { Clock } from '../clock';
import { ConfigurationError, ConflictError, NotFoundError, UnknownOutcomeError } from '../errors';
import { randomHex, type Random } from '../random';
import { encodeConnections, parseConnections, type ClusterConnections } from './cluster-connections';
import type { Coordination, MultiOperation } from './coordination';
import { encodeKeyChanges, noKeyChanges } from './key-changes';
import { componentKinds, paths, presenceFolder, restartLock } from './paths';
import type { SettingsPatch } from './settings';
import { initialSettings } from './settings-store';

export interface InitialiseOptions {
  readonly coordination: Coordination;
  readonly clock: Clock;
  readonly random: Random;
  readonly connections: ClusterConnections;
  readonly settings?: SettingsPatch;
  /** True when the coordination makes nodes with ACLs: then the chroot must not have been made by somebody else. */
  readonly restricted?: boolean;
}

export interface ClusterIdentity {
  /** Given once; also kept in MongoDB, so that a registry and an archive that do not belong together are noticed. */
  readonly clusterId: string;
  readonly createdAt: string;
}

const MAX_TRIES = 3;

/**
 * Makes the tree of a new cluster in one multi: identity, folders, settings, connections, with their ACLs from the
 * first moment. Idempotent: a cluster that exists is left as it is (folders of a newer version are added). The queue
 * makes its buckets below /Queue itself, as they have to appear together.
 */
export async function initialise(options: InitialiseOptions): Promise<ClusterIdentity & { readonly created: boolean }> {
  const { coordination, clock, random } = options;
  const identity = { clusterId: randomHex(random, 16), createdAt: new Date(clock.now()).toISOString() };
  for (let attempt = 1; ; attempt += 1) {
    const existing = await readIdentity(coordination);
    if (existing !== undefined) {
      for (const path of folders()) await coordination.ensure(path);
      return { ...existing, created: existing.clusterId === identity.clusterId };
    }
    const rootExists = (await coordination.exists('/')) !== undefined;
    if (rootExists && options.restricted) throw strangersRoot();
    try {
      await coordination.multi(treeOf(options, identity, rootExists));
      return { ...identity, created: true };
    } catch (error) {
      if (error instanceof NotFoundError) {
        throw new ConfigurationError('the node above the chroot does not exist', {
          cause: error,
          remedy: 'use a chroot of one level, like /resilog, or make the nodes above it first',
        });
      }
      const mayBeDone = error instanceof ConflictError || error instanceof UnknownOutcomeError;
      if (!mayBeDone || attempt >= MAX_TRIES) throw error;
    }
  }
}

/** What every process asks at its start; it never makes what is missing. ConfigurationError when there is nothing. */
export async function checkInitialised(coordination: Coordination): Promise<ClusterIdentity> {
  const identity = await readIdentity(coordination);
  if (identity !== undefined) return identity;
  throw new ConfigurationError('the cluster is not initialised: the registry holds nothing below its chroot', {
    remedy: 'run `resilog init` once, with the administrator\'s credentials; or correct `chroot` in the configuration file',
  });
}

async function readIdentity(coordination: Coordination): Promise<ClusterIdentity | undefined> {
  const content = await coordination.get(paths.identity);
  return content === undefined ? undefined : (JSON.parse(content.data.toString('utf8')) as ClusterIdentity);
}

function treeOf(options: InitialiseOptions, identity: ClusterIdentity, rootExists: boolean): MultiOperation[] {
  const contents = new Map<string, Buffer>([
    [paths.identity, Buffer.from(JSON.stringify({ formatVersion: 1, ...identity }))],
    [paths.keys, encodeKeyChanges(noKeyChanges(identity.clusterId))],
    [paths.settings, initialSettings(options.settings)],
    [paths.cluster, encodeConnections(parseConnections(options.connections))],
  ]);
  const nodes = [...(rootExists ? [] : ['/']), paths.identity, ...folders(), paths.settings, paths.cluster];
  return nodes.map((path) => ({ type: 'create', path, data: contents.get(path) ?? Buffer.alloc(0) }));
}

/** Parents first. */
function folders(): readonly string[] {
  return [
    paths.keys, paths.sources, paths.configuration, paths.definitions, ...componentKinds.map(presenceFolder),
    paths.lanes, paths.queue, paths.locks, `${paths.locks}/${restartLock}`, paths.elections,
  ];
}

function strangersRoot(): ConfigurationError {
  return new ConfigurationError('the chroot exists already, but holds no cluster: its access rights are not ours', {
    remedy: 'see what it holds, remove it, and run `resilog init` again',
  });
}
