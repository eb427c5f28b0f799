import { addReplica, coresOf, deleteReplica, readPlacement, type PlacementReplica } from '../../index/solr-placement';
import type { SolrClient } from '../../index/solr-client';
import type { MembersPlan } from './plan';
import { nextIndexStep, type PlacedReplica } from './solr-steps';
import type { TierState } from './state';
import type { Tier } from './tier';

/** The nodes that keep the index. */
export class SolrTier implements Tier {
  readonly name = 'solr';
  readonly wanted: readonly string[];

  constructor(private readonly plan: NonNullable<MembersPlan['solr']>, private readonly client: SolrClient) {
    this.wanted = plan.members.map(({ name }) => name);
  }

  async pass(former: TierState | undefined): Promise<TierState> {
    const { members, replicas } = this.plan;
    const placement = await readPlacement(this.client);
    const live = new Set(placement.liveNodes);
    const unknown = members.filter(({ address }) => address === undefined).map(({ name }) => name);
    const nodes = members.flatMap(({ address }) => (address === undefined ? [] : nodeOf(address)));
    const facts = { shards: placement.shards, replicas: await this.states(placement.replicas, live), live };
    // While an address is not known, nobody can tell whether a copy is on a node that is not wanted.
    const step = unknown.length > 0
      ? { kind: 'wait' as const, what: `${unknown.join(', ')} has no address yet` } : nextIndexStep(nodes, replicas, facts);
    if (step?.kind === 'add') await addReplica(this.client, step);
    if (step?.kind === 'delete') await deleteReplica(this.client, step.replica);
    const absent = members.filter(({ address }) => address !== undefined && !live.has(nodeOf(address)));
    const problem = step?.what ?? absent.map(({ name }) => `${name} is not in the cluster yet`).join(', ');
    return { wanted: this.wanted, members: this.holding(former, problem === ''), converged: problem === '', problem };
  }

  close(): Promise<void> {
    return this.client.close();
  }

  /** Who may hold copies: those of before too, until nothing is left to be moved. */
  private holding(former: TierState | undefined, isDone: boolean): Readonly<Record<string, string>> {
    const before = isDone ? [] : [...Object.keys(former?.members ?? {}), ...former?.wanted ?? []];
    return Object.fromEntries([...before, ...this.wanted].map((name) => [name, '']));
  }

  private async states(
    replicas: readonly PlacementReplica[], live: ReadonlySet<string>,
  ): Promise<readonly PlacedReplica[]> {
    const cores = new Map<string, ReadonlySet<string> | undefined>();
    const doubtful = replicas.filter(({ node, state }) => live.has(node) && state !== 'active' && state !== 'recovering');
    for (const { node, baseUrl } of doubtful) {
      if (!cores.has(node)) cores.set(node, await coresOf(this.client, baseUrl).catch(() => undefined));
    }
    return replicas.map((replica) => {
      const { collection, shard, name, node, isLeader } = replica;
      const known = cores.get(node);
      const isGone = doubtful.includes(replica) && known !== undefined && !known.has(replica.core);
      return { collection, shard, name, node, isLeader, state: isGone ? 'gone' : stateOf(replica, live) };
    });
  }
}

function stateOf({ node, state }: PlacementReplica, live: ReadonlySet<string>): PlacedReplica['state'] {
  if (!live.has(node)) return 'down';
  return state === 'active' || state === 'recovering' ? state : 'down';
}

/** How Solr calls the node at this address. */
function nodeOf(address: string): string {
  return `${address}_solr`;
}
