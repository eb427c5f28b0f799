import { UnavailableError } from '../errors';
import type { SolrClient } from './solr-client';

export interface Placement {
  readonly liveNodes: readonly string[];
  readonly shards: readonly { readonly collection: string; readonly shard: string }[];
  readonly replicas: readonly PlacementReplica[];
}

export interface PlacementReplica {
  readonly collection: string;
  readonly shard: string;
  readonly name: string;
  readonly core: string;
  readonly node: string;
  readonly baseUrl: string;
  /** As the cluster notes it; that of a node which is not live may be out of date. */
  readonly state: string;
  readonly isLeader: boolean;
}

interface ClusterAnswer {
  readonly live_nodes?: readonly string[];
  readonly collections?: Readonly<Record<string, {
    readonly shards: Readonly<Record<string, { readonly replicas: Readonly<Record<string, {
      readonly core: string; readonly node_name: string; readonly base_url: string; readonly state: string;
      readonly leader?: string;
    }>>; }>>;
  }>>;
}

const COLLECTIONS = '/admin/collections';
const CHANGE_TIMEOUT_MS = 120_000;

/** Where every copy of every shard is. */
export async function readPlacement(client: SolrClient): Promise<Placement> {
  const answer = await client.request({ path: COLLECTIONS, query: { action: 'CLUSTERSTATUS' }, effect: 'read' });
  const cluster = answer.cluster as ClusterAnswer | undefined;
  if (cluster?.live_nodes === undefined) throw new UnavailableError('Solr says nothing of its cluster.');
  const found = Object.entries(cluster.collections ?? {}).flatMap(([collection, { shards }]) =>
    Object.entries(shards).map(([shard, { replicas }]) => ({ collection, shard, replicas })));
  return {
    liveNodes: cluster.live_nodes,
    shards: found.map(({ collection, shard }) => ({ collection, shard })),
    replicas: found.flatMap(({ collection, shard, replicas }) => Object.entries(replicas).map(([name, facts]) => ({
      collection, shard, name, core: facts.core, node: facts.node_name, baseUrl: facts.base_url, state: facts.state,
      isLeader: facts.leader === 'true',
    }))),
  };
}

/** Names of the cores that a node has, those included that failed to start. */
export async function coresOf(client: SolrClient, baseUrl: string): Promise<ReadonlySet<string>> {
  const { status, initFailures } = await client.request({
    path: '/admin/cores', query: { action: 'STATUS', indexInfo: 'false' }, effect: 'read', baseUrl,
  });
  return new Set([...Object.keys(status as object), ...Object.keys((initFailures ?? {}))]);
}

/** Returns before the copy is complete. */
export async function addReplica(
  client: SolrClient, { collection, shard, node }: { collection: string; shard: string; node: string },
): Promise<void> {
  await change(client, { action: 'ADDREPLICA', collection, shard, node });
}

export async function deleteReplica(client: SolrClient, { collection, shard, name }: {
  collection: string; shard: string; name: string;
}): Promise<void> {
  await change(client, { action: 'DELETEREPLICA', collection, shard, replica: name });
}

async function change(client: SolrClient, query: Readonly<Record<string, string>>): Promise<void> {
  await client.request({ path: COLLECTIONS, query, effect: 'write', timeoutMs: CHANGE_TIMEOUT_MS });
}
