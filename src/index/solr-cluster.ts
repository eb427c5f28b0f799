import type { Clock } from '../clock';
import { InputError, NotFoundError, UnavailableError, UnknownOutcomeError, messageOf } from '../errors';
import { ADMIN_TIMEOUT_MS, readConfigset, replaces, uploadConfigset } from './solr-configset';
import type { SolrAnswer, SolrClient } from './solr-client';

/** One copy of one shard. */
export interface Replica {
  readonly name: string;
  readonly core: string;
  readonly baseUrl: string;
  readonly leader: boolean;
  readonly active: boolean;
}

export interface CollectionStatus {
  readonly configset: string;
  readonly shards: readonly { readonly name: string; readonly replicas: readonly Replica[] }[];
}

const POLL_MS = 250;

/** The collection's shards and copies as the cluster knows them; undefined when there is no such collection. */
export async function collectionStatus(client: SolrClient, collection: string): Promise<CollectionStatus | undefined> {
  let answer: SolrAnswer;
  try {
    answer = await client.request({
      path: '/admin/collections', query: { action: 'CLUSTERSTATUS', collection }, effect: 'read',
    });
  } catch (error) {
    // Solr's word for a collection that is not there.
    if (error instanceof NotFoundError || (error instanceof InputError && /not found/i.test(error.message))) return undefined;
    throw error;
  }
  const cluster = answer.cluster as
    { collections?: Record<string, { configName?: string; shards?: Record<string, RawShard> }>; live_nodes?: string[] };
  const found = cluster.collections?.[collection];
  if (found === undefined) return undefined;
  const live = new Set(cluster.live_nodes ?? []);
  return {
    configset: found.configName ?? '',
    shards: Object.entries(found.shards ?? {}).map(([name, shard]) => ({
      name,
      replicas: Object.entries(shard.replicas).map(([replica, facts]) => ({
        name: replica,
        core: facts.core,
        baseUrl: facts.base_url,
        leader: facts.leader === 'true',
        active: facts.state === 'active' && live.has(facts.node_name),
      })),
    })),
  };
}

interface RawShard {
  readonly replicas: Record<string, {
    readonly core: string; readonly base_url: string; readonly node_name: string; readonly state: string;
    readonly leader?: string;
  }>;
}

/** The leader of each shard. UnavailableError when a shard has none that lives. */
export async function shardLeaders(client: SolrClient, collection: string): Promise<readonly Replica[]> {
  const status = await collectionStatus(client, collection);
  if (status === undefined) throw new NotFoundError(`There is no collection "${collection}".`);
  return status.shards.map(({ name, replicas }) => {
    const leader = replicas.find((replica) => replica.leader && replica.active);
    if (leader === undefined) throw new UnavailableError(`Shard ${name} of "${collection}" has no leader at present.`);
    return leader;
  });
}

/**
 * A client that asks the cluster before it believes a 404: a node that is starting answers the same to requests for a
 * collection that is there as for one that is not. NotFoundError then means that there is no such collection.
 */
export function doubtingClient(client: SolrClient): SolrClient {
  return {
    request: async (request) => {
      try {
        return await client.request(request);
      } catch (error) {
        if (!(error instanceof NotFoundError) || request.path.startsWith('/admin/')) throw error;
        const [, name = ''] = request.path.split('/');
        const missing = request.baseUrl === undefined && (await collectionStatus(client, name)) === undefined;
        if (missing) throw new NotFoundError(`There is no collection "${name}".`, { cause: error });
        throw new UnavailableError(`"${name}" is not loaded yet: ${messageOf(error)}`, { cause: error });
      }
    },
    close: () => client.close(),
  };
}

export interface PrepareOptions {
  readonly client: SolrClient;
  readonly clock: Clock;
  /** Folder of the configset's files. */
  readonly configsetFolder: string;
  readonly shards: number;
  readonly replicas: number;
}

/** Makes the collection, or gives it the present configset, unless a later program has given it a later one. */
export async function prepareCollection(collection: string, options: PrepareOptions): Promise<void> {
  const { client } = options;
  const configset = await readConfigset(options.configsetFolder);
  const status = await collectionStatus(client, collection);
  if (status === undefined || replaces(configset.name, status.configset)) {
    await uploadConfigset(client, configset);
    if (status === undefined) await create(client, collection, configset.name, options);
    else {
      await admin(client, { action: 'MODIFYCOLLECTION', collection, 'collection.configName': configset.name });
    }
  }
  await waitForLeaders(client, options.clock, collection);
}

async function create(client: SolrClient, name: string, configset: string, options: PrepareOptions): Promise<void> {
  try {
    await admin(client, {
      action: 'CREATE',
      name,
      numShards: String(options.shards),
      replicationFactor: String(options.replicas),
      'collection.configName': configset,
      'router.name': 'compositeId',
    });
  } catch (error) {
    // Somebody made it meanwhile, or our own former try did: what is there now decides.
    if (!(error instanceof InputError) && !(error instanceof UnknownOutcomeError)) throw error;
    if ((await collectionStatus(client, name)) === undefined) throw error;
  }
}

async function admin(client: SolrClient, query: Readonly<Record<string, string>>): Promise<void> {
  await client.request({ path: '/admin/collections', query, effect: 'write', timeoutMs: ADMIN_TIMEOUT_MS });
}

async function waitForLeaders(client: SolrClient, clock: Clock, collection: string): Promise<void> {
  const deadline = clock.monotonic() + ADMIN_TIMEOUT_MS;
  for (;;) {
    try {
      await shardLeaders(client, collection);
      return;
    } catch (error) {
      if (!(error instanceof UnavailableError) || clock.monotonic() >= deadline) throw error;
    }
    await clock.sleep(POLL_MS);
  }
}
