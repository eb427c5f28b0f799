import type { Clock } from '../clock';
import { ConflictError, ResilogError } from '../errors';
import { Access } from '../registry/access';
import type { AccessPlan } from '../registry/access';
import type { Coordination } from '../registry/coordination';

export interface SolrRegistryOptions {
  /** Below the node that SolrCloud has for its own; makes nodes with the rights of `onlyFor`. */
  readonly coordination: Coordination;
  readonly clock: Clock;
  /** Content of `security.json`: users, and what they may do. */
  readonly security: string;
  /** Whether the nodes speak HTTPS, to one another too. */
  readonly https: boolean;
  /** Time in which ZooKeeper has to answer; it may be starting. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

const LOOK_MS = 500;
const PROPERTIES = '/clusterprops.json';

/** All rights for one identity, none for anybody else. */
export function onlyFor(identity: string): AccessPlan {
  const access = [Access.read, Access.write, Access.create, Access.delete, Access.admin];
  return () => [{ identity, access }];
}

/**
 * Puts into ZooKeeper what SolrCloud's nodes read at their start. A node that finds no `security.json` is open to all
 * until it gets one, so this is done before the first one starts; to repeat it is safe. UnavailableError when
 * ZooKeeper does not answer in time.
 */
export async function prepareSolrRegistry(options: SolrRegistryOptions): Promise<void> {
  const { coordination, clock, security, https, timeoutMs, signal } = options;
  const endMs = clock.monotonic() + timeoutMs;
  for (;;) {
    try {
      await coordination.ensure('/');
      await put(coordination, '/security.json', () => security);
      await put(coordination, PROPERTIES, (former) => withScheme(former, https));
      return;
    } catch (error) {
      // Another node may be doing the same.
      const passes = error instanceof ResilogError && (error.retryable || error instanceof ConflictError);
      if (!passes || clock.monotonic() > endMs || signal?.aborted) throw error;
    }
    await clock.sleep(LOOK_MS, signal);
  }
}

async function put(coordination: Coordination, path: string, content: (former: string) => string): Promise<void> {
  const former = await coordination.get(path);
  if (former === undefined) {
    await coordination.create(path, Buffer.from(content('')));
    return;
  }
  const text = former.data.toString('utf8');
  const wanted = content(text);
  if (wanted !== text) await coordination.set(path, Buffer.from(wanted), former.stat.version);
}

/** Other properties of the cluster stay as they are. */
function withScheme(former: string, https: boolean): string {
  const properties = former === '' ? {} : (JSON.parse(former) as Record<string, unknown>);
  const urlScheme = https ? 'https' : 'http';
  return properties.urlScheme === urlScheme ? former : JSON.stringify({ ...properties, urlScheme });
}
