import { canonicalHost, type Ensemble, type EnsembleServer } from '../../registry/zookeeper-ensemble';
import type { WantedZooKeeper } from './plan';

export interface EnsembleFacts {
  readonly ensemble: Ensemble;
  /** Incarnation of the data of each member that takes part, by its name, as noted before. */
  readonly incarnations: Readonly<Record<string, string>>;
  /** Ids of wanted members that serve: alone they do not, so they follow the leader and have its data. */
  readonly serving: ReadonlySet<number>;
}

export type EnsembleStep =
  | { readonly kind: 'change'; readonly joining: readonly EnsembleServer[]; readonly leaving: readonly number[]; readonly what: string }
  | { readonly kind: 'wait'; readonly what: string };

/**
 * What brings an ensemble nearer to the wanted members; undefined when it has them. Who lost its data is taken out
 * before it may start, since an empty member that votes could help to elect another that lacks what was acknowledged.
 * Who joins follows the leader first. Nobody leaves before all who are wanted serve.
 */
export function nextEnsembleStep(wanted: readonly WantedZooKeeper[], facts: EnsembleFacts): EnsembleStep | undefined {
  return replaceLost(wanted, facts) ?? join(wanted, facts) ?? takeOut(wanted, facts);
}

/** Who takes part, by name, with the incarnation of its data: the noted one, else that of who is wanted there. */
export function membersOf(
  wanted: readonly WantedZooKeeper[], { ensemble, incarnations }: EnsembleFacts,
): Readonly<Record<string, string>> {
  return Object.fromEntries(ensemble.servers.map(({ id }) => {
    const server = wanted.find((one) => one.id === id);
    const name = server?.name ?? `zookeeper-${id}`;
    return [name, incarnations[name] ?? server?.incarnation ?? ''];
  }));
}

function replaceLost(wanted: readonly WantedZooKeeper[], facts: EnsembleFacts): EnsembleStep | undefined {
  const present = new Set(facts.ensemble.servers.map(({ id }) => id));
  const lost = wanted.find(({ id, name, incarnation }) => {
    const noted = facts.incarnations[name] ?? '';
    return present.has(id) && noted !== '' && incarnation !== undefined && noted !== incarnation;
  });
  if (lost === undefined) return undefined;
  if (present.size === 1) return { kind: 'wait', what: `${lost.name}, the only member, has lost its data: restore a backup` };
  return { kind: 'change', joining: [], leaving: [lost.id], what: `takes out ${lost.name}, whose data are gone` };
}

function join(wanted: readonly WantedZooKeeper[], { ensemble, serving }: EnsembleFacts): EnsembleStep | undefined {
  const joining = wanted.filter((server) => !ensemble.servers.some((one) => isSame(one, server)));
  if (joining.length === 0) return undefined;
  const waiting = joining.filter(({ id }) => !serving.has(id))
    .map(({ name, host }) => (host === undefined ? `${name} has no address yet` : `${name} does not serve yet`));
  if (waiting.length > 0) return { kind: 'wait', what: waiting.join(', ') };
  const what = `adds ${joining.map(({ name }) => name).join(', ')}`;
  return { kind: 'change', joining: joining.map(serverOf), leaving: [], what };
}

function takeOut(wanted: readonly WantedZooKeeper[], { ensemble, serving }: EnsembleFacts): EnsembleStep | undefined {
  const leaving = ensemble.servers.map(({ id }) => id).filter((id) => !wanted.some((server) => server.id === id));
  if (leaving.length === 0) return undefined;
  const weak = wanted.filter(({ id }) => !serving.has(id)).map(({ name }) => name);
  if (weak.length > 0) return { kind: 'wait', what: `${weak.join(', ')} must serve before another member leaves` };
  return { kind: 'change', joining: [], leaving, what: `takes out ${leaving.map((id) => `zookeeper-${id}`).join(', ')}` };
}

/** A member without a known address stays what it is. */
function isSame(server: EnsembleServer, wanted: WantedZooKeeper): boolean {
  if (server.id !== wanted.id) return false;
  return wanted.host === undefined || JSON.stringify(serverOf(wanted)) === JSON.stringify(serverOf(server));
}

export function serverOf({ id, host, port, peerPort, electionPort }: EnsembleServer | WantedZooKeeper): EnsembleServer {
  return { id, host: canonicalHost(host ?? ''), port, peerPort, electionPort };
}
