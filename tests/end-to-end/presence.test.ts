import { expect } from 'chai';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readMembers } from '../../src/registry/presence';
import { presenceFolder, type ComponentKind } from '../../src/registry/paths';
import type { Presence } from '../../src/registry/ports';
import type { ConnectedServices } from '../../src/process/services';
import type { Cluster } from '../support/cluster';
import { listenersOf } from '../support/listeners';
import { childrenOf, isAlive } from '../support/process-tree';
import { sharedCluster } from '../support/shared-cluster';
import { TcpProxy } from '../support/tcp-proxy';
import { endSession } from '../support/zookeeper-session';
import { connect } from './support/inspect';
import { startProgram, writeConfiguration, type Program } from './support/program';
import { until } from '../support/wait';

/** The session time-out that our processes ask for, and a tick of the server's that ends it. */
const SESSION_MS = 8_000 + 2_000;
/** For what happens at once, on a busy machine. */
const AT_ONCE_MS = 3_000;
const COMPONENT = `
require('node:net').createServer((socket) => { socket.on('error', () => {}); socket.end(); }).listen(Number(process.argv[1]), '::1');
`;

describe('presence in the registry', function () {
  this.timeout(600_000);
  let cluster: Cluster;
  let services: ConnectedServices;
  let folder: string;
  let proxy: TcpProxy;
  let started: Program[] = [];

  before(async () => {
    cluster = await sharedCluster();
    services = connect(cluster);
    folder = await mkdtemp(join(tmpdir(), 'resilog-test-'));
    proxy = await TcpProxy.start({ host: '::1', port: cluster.basePort + 1 });
    const zookeeper = [`[::1]:${proxy.port}`];
    writeConfiguration(cluster, 'launcher.json', join(folder, 'launcher.json'), { zookeeper });
    writeConfiguration(cluster, 'consumer-1/process.json', join(folder, 'consumer.json'), {
      zookeeper, member: 'further', port: 0, data: folder,
    });
  });

  afterEach(async () => {
    for (const program of started) {
      // Cleanly, so that nothing of it is left in the registry for the next test.
      if (isAlive(program.pid)) program.signal('SIGTERM');
      await program.ended;
    }
    started = [];
  });

  after(async () => {
    await proxy.close();
    await services.close();
    await rm(folder, { recursive: true, force: true });
  });

  const start = (configuration: string, ...args: string[]): Program => {
    const program = startProgram(['--config', join(folder, configuration), ...args], join(folder, 'log'));
    started.push(program);
    return program;
  };
  const launch = (): Program => start(
    'launcher.json', 'launch', '--kind', 'MongoDB', '--member', 'further', '--address', `[::1]:${cluster.basePort + 95}`,
    '--health', `tcp:[::1]:${cluster.basePort + 95}`, '--data', folder, '--',
    process.execPath, '-e', COMPONENT, String(cluster.basePort + 95));
  const present = async (kind: ComponentKind): Promise<Presence | undefined> =>
    (await readMembers(await services.coordination(), kind)).find(({ member }) => member === 'further');
  const owner = async (kind: ComponentKind): Promise<string | undefined> =>
    (await (await services.coordination()).exists(`${presenceFolder(kind)}/further`))?.ephemeralOwner;
  /** Ends the session of what was started last, and waits until it is present in another one. */
  const expire = async (kind: ComponentKind): Promise<void> => {
    const former = await owner(kind);
    expect(former).to.be.a('string');
    await endSession({ host: '::1', port: cluster.basePort + 1 }, proxy.greeting);
    await until(`${kind} is present in another session`, 20_000, async () => {
      const now = await owner(kind);
      return now !== undefined && now !== former;
    });
  };
  const appears = (kind: ComponentKind): Promise<number> =>
    until(`${kind} is present`, 20_000, async () => await present(kind) !== undefined);
  const vanishes = (kind: ComponentKind, limitMs: number): Promise<number> =>
    until(`${kind} is not present any more`, limitMs, async () => await present(kind) === undefined);

  it('ends at once when a launched component is killed or stopped', async () => {
    const killed = launch();
    await appears('MongoDB');
    process.kill((await present('MongoDB'))?.pid ?? 0, 'SIGKILL');
    await vanishes('MongoDB', AT_ONCE_MS);
    expect(await killed.ended).to.equal(128 + 9);
    const stopped = launch();
    await appears('MongoDB');
    stopped.signal('SIGTERM');
    await vanishes('MongoDB', AT_ONCE_MS);
    await stopped.ended;
  });

  it('ends within the session time-out when the launcher is killed; its component is gone within five seconds', async () => {
    const launcher = launch();
    await appears('MongoDB');
    const pid = (await present('MongoDB'))?.pid ?? 0;
    expect(isAlive(pid)).to.equal(true);
    launcher.signal('SIGKILL');
    await until('the component is gone', 5_000, () => !isAlive(pid));
    await vanishes('MongoDB', SESSION_MS);
    // And a restart works.
    launch();
    await appears('MongoDB');
  });

  it('comes back after a session that expired', async () => {
    const launcher = launch();
    await appears('MongoDB');
    const pid = (await present('MongoDB'))?.pid ?? 0;
    await expire('MongoDB');
    expect((await present('MongoDB'))?.pid, 'the component was not touched').to.equal(pid);
    expect(isAlive(launcher.pid) && isAlive(pid)).to.equal(true);
  });

  it('of a process of ours ends at once at a clean stop and within the session time-out after a kill', async () => {
    const stopped = start('consumer.json', 'consumer');
    await appears('Consumer');
    stopped.signal('SIGTERM');
    await vanishes('Consumer', 2 * AT_ONCE_MS);
    expect(await stopped.ended).to.equal(0);
    const killed = start('consumer.json', 'consumer');
    await appears('Consumer');
    await expire('Consumer');
    killed.signal('SIGKILL');
    await vanishes('Consumer', SESSION_MS);
  });

  it('no process of the cluster listens on IPv4 or on every address', async () => {
    const { components } = await cluster.status();
    const pids = components.map(({ pid }) => pid ?? 0);
    const listeners = listenersOf(pids);
    expect(pids.flatMap(childrenOf).length).to.be.greaterThan(2);
    expect(listeners.length).to.be.at.least(components.length);
    expect(listeners.filter(({ address }) => address !== '::1')).to.deep.equal([]);
    const ports = listeners.map(({ port }) => port);
    for (const { address } of components) expect(ports).to.include(Number(/\d+$/.exec(address)?.[0]));
  });
});
