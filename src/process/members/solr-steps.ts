/** One copy of one shard, as the cluster knows it. */
export interface PlacedReplica {
  readonly collection: string;
  readonly shard: string;
  readonly name: string;
  /** `[::1]:8983_solr` */
  readonly node: string;
  /** `gone`: its node lives and does not have it. */
  readonly state: 'active' | 'recovering' | 'down' | 'gone';
  readonly isLeader: boolean;
}

export interface IndexFacts {
  readonly shards: readonly { readonly collection: string; readonly shard: string }[];
  readonly replicas: readonly PlacedReplica[];
  /** Nodes that are in the cluster at this moment. */
  readonly live: ReadonlySet<string>;
}

export type IndexStep =
  | { readonly kind: 'add'; readonly collection: string; readonly shard: string; readonly node: string; readonly what: string }
  | { readonly kind: 'delete'; readonly replica: PlacedReplica; readonly what: string }
  | { readonly kind: 'wait'; readonly what: string };

/**
 * What brings the copies of every shard nearer to `replicas` on the wanted nodes (at most one on each); undefined when
 * they are. A copy on a node that is not wanted, or that is gone, is deleted once enough others are active: never the
 * last one that lives. A wanted node that is merely down keeps its copies.
 */
export function nextIndexStep(wanted: readonly string[], replicas: number, facts: IndexFacts): IndexStep | undefined {
  const waits: string[] = [];
  for (const { collection, shard } of facts.shards) {
    const copies = facts.replicas.filter((one) => one.collection === collection && one.shard === shard);
    const step = nextShardStep(`${shard} of ${collection}`, { collection, shard, copies }, { wanted, replicas, facts });
    if (step !== undefined && step.kind !== 'wait') return step;
    if (step !== undefined) waits.push(step.what);
  }
  return waits.length === 0 ? undefined : { kind: 'wait', what: waits.join(', ') };
}

interface Shard {
  readonly collection: string;
  readonly shard: string;
  readonly copies: readonly PlacedReplica[];
}

interface Wishes {
  readonly wanted: readonly string[];
  readonly replicas: number;
  readonly facts: IndexFacts;
}

function nextShardStep(title: string, { collection, shard, copies }: Shard, wishes: Wishes): IndexStep | undefined {
  const { wanted, replicas, facts } = wishes;
  if (!copies.some(({ state }) => state === 'active')) {
    return { kind: 'wait', what: `no copy of ${title} is active` };
  }
  // Another one is being elected, and nothing should be taken from the shard, or asked of it, before.
  if (!copies.some(({ state, isLeader }) => state === 'active' && isLeader)) {
    return { kind: 'wait', what: `${title} has no leader at present` };
  }
  const target = Math.min(replicas, wanted.length);
  const healthy = new Set(copies.filter(({ node, state }) => state === 'active' && wanted.includes(node)).map(({ node }) => node));
  if (healthy.size < target) {
    const held = new Set(copies.filter(({ state }) => state !== 'gone').map(({ node }) => node));
    const taken = wanted.filter((node) => held.has(node));
    const [node] = leastLoaded(wanted.filter((one) => facts.live.has(one) && !held.has(one)), facts.replicas);
    // A copy that is down or on its way is waited for; it counts as one, so that no more than wanted are made.
    if (taken.length < target && node !== undefined) {
      return { kind: 'add', collection, shard, node, what: `copies ${title} to ${node}` };
    }
    const waiting = wanted.filter((one) => !healthy.has(one));
    return { kind: 'wait', what: `${title} has ${healthy.size} of ${target} copies active, not on ${waiting.join(', ')}` };
  }
  const surplus = copies.find(({ node, state }) => state === 'gone' || !wanted.includes(node)) ?? doubled(copies);
  if (surplus === undefined) return undefined;
  return { kind: 'delete', replica: surplus, what: `deletes the copy of ${title} on ${surplus.node}` };
}

/** Two copies on one node protect from nothing, and keep another node without one. */
function doubled(copies: readonly PlacedReplica[]): PlacedReplica | undefined {
  return copies.find((copy, index) => copies.some((other, at) => at !== index && other.node === copy.node
    && other.state === 'active' && (copy.state !== 'active' || at < index)));
}

function leastLoaded(nodes: readonly string[], replicas: readonly PlacedReplica[]): readonly string[] {
  const load = (node: string): number => replicas.filter((one) => one.node === node).length;
  return [...nodes].sort((one, other) => load(one) - load(other) || one.localeCompare(other));
}
