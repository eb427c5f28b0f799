import { expect } from 'chai';
import { systemClock } from '../../../src/clock';
import { silentLog } from '../../../src/log';
import { systemRandom } from '../../../src/random';
import { initialise } from '../../../src/registry/bootstrap';
import type { Coordination } from '../../../src/registry/coordination';
import { WatchedKeyDirectory } from '../../../src/registry/key-directory';
import type { KeyVerdict } from '../../../src/registry/ports';
import { withLock } from '../../../src/registry/locks';
import { SourceRegistry } from '../../../src/registry/source-registry';
import { connectZooKeeper } from '../../../src/registry/zookeeper-coordination';
import { until } from '../../conformance/registry/coordination-suite';
import { PrivateZooKeeper } from '../../support/private-zookeeper';
import { Stopwatch } from '../../support/stopwatch';
import { fourLetterWord } from '../../support/zookeeper-session';

const connections = { mongodb: { volumes: [{ name: 'v', url: 'mongodb://x/' }] }, solr: { urls: ['http://x/solr'] } };

describe('ZooKeeper stopped, killed and wiped', function () {
  this.timeout(300_000);
  let zookeeper: PrivateZooKeeper;
  let coordination: Coordination;

  beforeEach(async () => {
    zookeeper = await PrivateZooKeeper.start();
    coordination = connectZooKeeper({
      servers: [{ host: '::1', port: zookeeper.port }], chroot: '/test', clock: systemClock, random: systemRandom,
      log: silentLog, sessionTimeoutMs: 4_000, abandonAfterMs: 5_000,
    });
    await initialise({ coordination, connections, clock: systemClock, random: systemRandom });
  });

  afterEach(async () => {
    await coordination.close();
    await zookeeper.close();
  });

  it('is noticed when it hangs, and used again when it goes on', async () => {
    zookeeper.signal('SIGSTOP');
    const stopwatch = new Stopwatch();
    await until(() => coordination.state === 'suspended', 'noticed');
    expect(stopwatch.ms).to.be.lessThan(3_500);
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    expect(coordination.silentMs()).to.be.greaterThan(7_000);
    zookeeper.signal('SIGCONT');
    await until(() => coordination.state === 'connected', 'connected', 10_000);
    expect(await coordination.exists('/Queue')).to.not.equal(undefined);
  });

  it('killed and started again keeps the session and its ephemerals', async () => {
    await coordination.close();
    coordination = connectZooKeeper({
      servers: [{ host: '::1', port: zookeeper.port }], chroot: '/test', clock: systemClock, random: systemRandom,
      log: silentLog, sessionTimeoutMs: 12_000,
    });
    await coordination.hold('/Lanes/one', Buffer.alloc(0));
    const { sessionId } = coordination;
    await zookeeper.kill();
    await until(() => coordination.state === 'suspended', 'suspended');
    await zookeeper.launch();
    await until(() => coordination.state === 'connected', 'connected', 20_000);
    expect(coordination.sessionId).to.equal(sessionId);
    expect((await coordination.exists('/Lanes/one'))?.ephemeralOwner).to.equal(sessionId);
  });

  it('wiped is connected to with a new session, and its keys are not trusted (schedule 35)', async () => {
    const sources = new SourceRegistry({ coordination, clock: systemClock, random: systemRandom });
    const { key } = await sources.add('x');
    const directory = new WatchedKeyDirectory({
      coordination, clock: systemClock, log: silentLog, graceSeconds: () => 300,
    });
    await directory.ready;
    const verdict = async () => (await (directory.lookUp(key, 'path') as Promise<KeyVerdict>)).verdict;
    for (let i = 0; i < 50; i += 1) await coordination.set('/Queue', Buffer.from(String(i)));
    const { sessionId } = coordination;
    await zookeeper.kill();
    zookeeper.wipe();
    expect(await verdict()).to.equal('known');
    await zookeeper.launch();
    await until(() => coordination.state === 'connected', 'connected to the wiped one', 30_000);
    expect(coordination.sessionId).to.not.equal(sessionId);
    await until(async () => (await verdict()) === 'unavailable', 'not trusted');
    await initialise({ coordination, connections, clock: systemClock, random: systemRandom });
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await verdict()).to.equal('unavailable');
    directory.close();
  });

  it('keeps no watch of locks that had to be waited for', async () => {
    const watches = async (): Promise<number> => {
      const counters = await fourLetterWord({ host: '::1', port: zookeeper.port }, 'mntr');
      return Number(/^zk_watch_count\t(\d+)$/m.exec(counters)?.[1]);
    };
    const work = (): Promise<void> => withLock(
      coordination, 'contended', { clock: systemClock, random: systemRandom }, () => Promise.resolve());
    await work();
    const before = await watches();
    await Promise.all(Array.from({ length: 20 }, work));
    expect(await watches()).to.equal(before);
  });
});
