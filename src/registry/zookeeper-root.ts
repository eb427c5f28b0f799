import type { Clock } from '../clock';
import { UnavailableError } from '../errors';
import type { Log } from '../log';
import { Access, type AccessPlan } from './access';
import type { ServerAddress } from './zookeeper-addresses';
import { ZooKeeperLink } from './zookeeper-link';

export interface ZooKeeperRootOptions {
  readonly servers: readonly ServerAddress[];
  /** `user:password` of the administrator, who alone may do everything from then on. */
  readonly credentials: string;
  readonly identity: string;
  /** Digest identities of who else may make nodes at the top. */
  readonly creators: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
  readonly timeoutMs: number;
}

/** The nodes that a new ZooKeeper has, open to all; its own configuration is closed already. */
const OPEN_NODES = ['/zookeeper/quota', '/zookeeper', '/'];
const SESSION_MS = 8_000;

/**
 * Closes what a new ZooKeeper leaves open to everybody, who could fill it up otherwise. Safe to repeat.
 * PermissionError when somebody else closed it; UnavailableError when it does not answer in time.
 */
export async function closeZooKeeperRoot(options: ZooKeeperRootOptions): Promise<void> {
  const { clock, log, servers, credentials, timeoutMs } = options;
  const stop = new AbortController();
  let connected: () => void = () => undefined;
  let lost: (error: Error) => void = () => undefined;
  const ready = new Promise<void>((resolve, reject) => {
    connected = resolve;
    lost = reject;
  });
  const away = (): void => { lost(new UnavailableError('ZooKeeper is out of reach')); };
  const link = new ZooKeeperLink({
    clock, log, servers: () => servers, chroot: '', credentials, access: planOf(options), sessionTimeoutMs: SESSION_MS,
    abandonAfterMs: timeoutMs,
  }, { connected: () => { connected(); }, suspended: away, expired: away });
  const work = async (): Promise<void> => {
    await ready;
    for (const path of OPEN_NODES) await link.setAccess(path);
  };
  const late = clock.sleep(timeoutMs, stop.signal).then(() => {
    if (!stop.signal.aborted) throw new UnavailableError('ZooKeeper does not answer');
  });
  try {
    await Promise.race([work(), late]);
  } finally {
    stop.abort();
    await link.close();
  }
}

function planOf({ identity, creators }: ZooKeeperRootOptions): AccessPlan {
  const all = [Access.read, Access.write, Access.create, Access.delete, Access.admin];
  const administrator = { identity, access: all };
  return (path) => (path === '/'
    ? [administrator, ...creators.map((creator) => ({ identity: creator, access: [Access.read, Access.create] }))]
    : [administrator]);
}
