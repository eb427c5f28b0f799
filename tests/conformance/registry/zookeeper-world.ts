import { randomBytes } from 'node:crypto';
import { systemClock } from '../../../src/clock';
import { silentLog } from '../../../src/log';
import { systemRandom } from '../../../src/random';
import type { Coordination } from '../../../src/registry/coordination';
import { connectZooKeeper, type ZooKeeperOptions } from '../../../src/registry/zookeeper-coordination';
import { servers } from '../../support/servers';
import { TcpProxy } from '../../support/tcp-proxy';
import { endSession } from '../../support/zookeeper-session';
import type { Breakable, CoordinationWorld } from './coordination-suite';

export interface ZooKeeperBreakable extends Breakable {
  readonly proxy: TcpProxy;
}

export interface ZooKeeperWorld extends CoordinationWorld {
  readonly chroot: string;
  connect(options?: Partial<ZooKeeperOptions>): Promise<ZooKeeperBreakable>;
}

/** A folder of its own in the real ZooKeeper; each connection goes through a proxy of its own. */
export async function openZooKeeperWorld(): Promise<ZooKeeperWorld> {
  const server = (await servers()).zookeeper[0];
  if (server === undefined) throw new Error('no ZooKeeper');
  const chroot = `/test-${randomBytes(6).toString('hex')}`;
  const proxies: TcpProxy[] = [];
  const opened: Coordination[] = [];
  const common = { clock: systemClock, random: systemRandom, log: silentLog, chroot };
  return {
    chroot,
    connect: async (options = {}) => {
      const proxy = await TcpProxy.start(server);
      proxies.push(proxy);
      const coordination = connectZooKeeper({ ...common, servers: [{ host: '::1', port: proxy.port }], ...options });
      opened.push(coordination);
      return {
        coordination,
        proxy,
        loseConnection: async () => { proxy.refuse(); },
        reconnect: async () => { proxy.open(); },
        expireSession: () => endSession(server, proxy.greeting),
      };
    },
    close: async () => {
      await Promise.all(opened.map((coordination) => coordination.close()));
      const cleaner = connectZooKeeper({ ...common, servers: [server] });
      await cleaner.removeTree('/');
      await cleaner.close();
      await Promise.all(proxies.map((proxy) => proxy.close()));
    },
  };
}
