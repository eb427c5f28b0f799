import type { Clock } from '../clock';
import { ConfigurationError } from '../errors';
import type { Log } from '../log';
import type { Random } from '../random';
import type { AccessPlan } from './access';
import { SessionCoordination } from './session-coordination';
import type { ServerAddress } from './zookeeper-addresses';
import { ZooKeeperLink } from './zookeeper-link';

export interface ZooKeeperOptions {
  /** A function is asked anew whenever a connection broke: members come and go. */
  readonly servers: readonly ServerAddress[] | (() => readonly ServerAddress[]);
  /** Node below which all paths are; '' for none, else `/a` or `/a/b`. Made by `ensure('/')` or `initialise`. */
  readonly chroot: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /**
   * Time after which the servers end a session that they do not hear; default 8,000. A connection over which
   * nothing comes is given up after half of it.
   */
  readonly sessionTimeoutMs?: number;
  /** Time after which a session that the servers refuse without a word is given up; default 60,000. */
  readonly abandonAfterMs?: number;
  /** Time within which every operation settles; default 5,000. */
  readonly deadlineMs?: number;
  /** `user:password`, sent first on every connection. */
  readonly credentials?: string;
  /** The ACLs of nodes that are made; absent: open to all. */
  readonly access?: AccessPlan;
}

/**
 * Coordination over ZooKeeper. Connects in the background: `state` is `suspended` until a server answers, and
 * operations wait for it up to their deadline. Not available: sync, containers, TTL nodes, SASL, TLS.
 */
export function connectZooKeeper(options: ZooKeeperOptions): SessionCoordination {
  if (options.credentials !== undefined && !/^[^:]+:./.test(options.credentials)) {
    throw new ConfigurationError("ZooKeeper's credentials are not of the form user:password");
  }
  const servers = inOneOrder(options);
  return new SessionCoordination(
    (observer) => new ZooKeeperLink({
      clock: options.clock,
      log: options.log,
      servers,
      chroot: options.chroot === '/' ? '' : options.chroot,
      sessionTimeoutMs: options.sessionTimeoutMs ?? 8_000,
      abandonAfterMs: options.abandonAfterMs ?? 60_000,
      credentials: options.credentials,
      access: options.access,
    }, observer),
    options,
  );
}

/** As long as they are the same, they are tried in the same order: each of them in every round. */
function inOneOrder({ servers, random }: ZooKeeperOptions): () => readonly ServerAddress[] {
  let known = '';
  let order: readonly ServerAddress[] = [];
  return () => {
    const current = typeof servers === 'function' ? servers() : servers;
    if (JSON.stringify(current) !== known) [known, order] = [JSON.stringify(current), shuffled(current, random)];
    return order;
  };
}

/** So that processes do not all go to the first member. */
function shuffled<T>(items: readonly T[], random: Random): readonly T[] {
  return items
    .map((item) => ({ item, rank: random.fraction() }))
    .sort((one, other) => one.rank - other.rank)
    .map(({ item }) => item);
}
