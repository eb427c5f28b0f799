import { createServer, type AddressInfo, type Server } from 'node:net';
import { expect } from 'chai';
import { PermissionError, UnknownOutcomeError } from '../../../src/errors';
import { Access, type AccessEntry, digestIdentity } from '../../../src/registry/access';
import type { SessionState } from '../../../src/registry/coordination';
import { failure, until } from '../../conformance/registry/coordination-suite';
import { openZooKeeperWorld, type ZooKeeperWorld } from '../../conformance/registry/zookeeper-world';
import { Stopwatch } from '../../support/stopwatch';

/** Reaches the client's request counter, which no port shows. */
function managerOf(coordination: unknown): { xid: number; pendingQueue: unknown[] } {
  return (coordination as { link: { manager: { xid: number; pendingQueue: unknown[] } } }).link.manager;
}

describe('ZooKeeper coordination on a broken network', function () {
  this.timeout(300_000);
  let world: ZooKeeperWorld;

  beforeEach(async () => {
    world = await openZooKeeperWorld();
  });

  afterEach(async () => {
    await world.close();
  });

  it('notices a connection over which nothing comes any more, and goes on when it does', async () => {
    const { coordination, proxy } = await world.connect({ sessionTimeoutMs: 4_000 });
    await coordination.ensure('/');
    const states: SessionState[] = [];
    coordination.onState((state) => states.push(state));
    const stopwatch = new Stopwatch();
    proxy.freeze();
    await until(() => coordination.state === 'suspended', 'noticed');
    expect(stopwatch.ms).to.be.lessThan(3_000);
    expect(coordination.silentMs()).to.be.greaterThan(1_000);
    proxy.open();
    await until(() => coordination.state === 'connected', 'connected again');
    expect(await coordination.exists('/')).to.not.equal(undefined);
    expect(coordination.silentMs()).to.equal(0);
  });

  it('says that the outcome is unknown when an operation was sent and not answered', async () => {
    const { coordination, proxy } = await world.connect({ sessionTimeoutMs: 20_000, deadlineMs: 1_000 });
    await coordination.ensure('/');
    proxy.freeze();
    const [write, read] = await Promise.all([
      failure(coordination.create('/x', Buffer.alloc(0))),
      failure(coordination.get('/')),
    ]);
    expect(write).to.be.instanceOf(UnknownOutcomeError);
    expect(read.name).to.equal('UnavailableError');
    proxy.open();
    await until(async () => (await coordination.exists('/x').catch(() => undefined)) !== undefined, 'it was done after all');
  });

  it('says so too when the connection breaks', async () => {
    const { coordination, proxy } = await world.connect();
    await coordination.ensure('/');
    proxy.freeze();
    const write = failure(coordination.create('/x', Buffer.alloc(0)));
    const stopwatch = new Stopwatch();
    await new Promise((resolve) => setTimeout(resolve, 50));
    proxy.refuse();
    expect(await write).to.be.instanceOf(UnknownOutcomeError);
    expect(stopwatch.ms).to.be.lessThan(1_000);
    proxy.open();
  });

  it('goes on to the next member when one accepts connections and does not answer', async () => {
    const silent: Server = createServer();
    await new Promise<void>((resolve) => silent.listen(0, '::1', resolve));
    const { proxy } = await world.connect();
    const { coordination } = await world.connect({
      servers: [{ host: '::1', port: (silent.address() as AddressInfo).port }, { host: '::1', port: proxy.port }],
      random: { bytes: (length) => Buffer.alloc(length), fraction: () => 0 },
      sessionTimeoutMs: 6_000,
    });
    await until(() => coordination.state === 'connected', 'connected');
    await coordination.close();
    silent.close();
  });

  it('keeps few operations in flight while thousands wait, and forgets none', async () => {
    const { coordination } = await world.connect({ deadlineMs: 30_000 });
    await coordination.ensure('/many');
    let most = 0;
    const creates = Array.from({ length: 3_000 }, (_, i) => coordination.create(`/many/${i}`, Buffer.alloc(0)).then(() => {
      most = Math.max(most, managerOf(coordination).pendingQueue.length);
    }));
    await Promise.all(creates);
    expect(most).to.be.at.most(500);
    expect((await coordination.children('/many')).length).to.equal(3_000);
  });

  it("starts the client's request numbers again before they overflow", async () => {
    const { coordination } = await world.connect();
    await coordination.ensure('/');
    const { sessionId } = coordination;
    managerOf(coordination).xid = 2 ** 30 - 50;
    await Promise.all(Array.from({ length: 200 }, () => coordination.exists('/')));
    for (let i = 0; i < 20; i += 1) await coordination.exists('/');
    expect(managerOf(coordination).xid).to.be.lessThan(1_000);
    expect(coordination.sessionId).to.equal(sessionId);
  });

  it('authenticates before everything that waited, on every connection', async () => {
    const credentials = 'admin:secret of the test';
    const everything = Object.values(Access);
    const access = () => [{ identity: digestIdentity(credentials), access: everything }];
    const admin = await world.connect({ credentials, access });
    const reads: Promise<unknown>[] = [admin.coordination.ensure('/secret')];
    await Promise.all(reads);
    const stranger = await world.connect();
    expect(await failure(stranger.coordination.get('/secret'))).to.be.instanceOf(PermissionError);
    expect(await failure(stranger.coordination.create('/secret/x', Buffer.alloc(0)))).to.be.instanceOf(PermissionError);
    const refused = stranger.coordination.watchContent('/secret', () => undefined);
    expect(await failure(refused.ready)).to.be.instanceOf(PermissionError);
    let seen = '';
    await admin.coordination.watchContent('/secret', (content) => { seen = content?.data.toString() ?? ''; }).ready;
    for (let round = 0; round < 5; round += 1) {
      admin.proxy.refuse();
      await until(() => admin.coordination.state === 'suspended', 'suspended');
      const waiting = Array.from({ length: 20 }, () => admin.coordination.set('/secret', Buffer.from(String(round))));
      admin.proxy.open();
      await Promise.all(waiting);
      await until(() => seen === String(round), 'seen');
    }
    const { sessionId } = admin.coordination;
    await admin.expireSession();
    await until(() => admin.coordination.state === 'connected' && admin.coordination.sessionId !== sessionId, 'a new session');
    expect((await admin.coordination.get('/secret'))?.data.toString()).to.equal('4');
    await admin.coordination.removeTree('/');
  });

  it('goes on watching what it may not read for a while', async () => {
    const [owner, reader] = ['owner:a secret', 'reader:another'];
    let readable = true;
    const access = (): readonly AccessEntry[] => [
      { identity: digestIdentity(owner), access: Object.values(Access) },
      { identity: digestIdentity(reader), access: readable ? [Access.read] : [Access.create] },
    ];
    const { coordination } = await world.connect({ credentials: owner, access });
    await coordination.ensure('/shared/node');
    const seen: (string | undefined)[] = [];
    const watch = (await world.connect({ credentials: reader })).coordination
      .watchContent('/shared/node', (content) => { seen.push(content?.data.toString()); });
    await watch.ready;
    for (const text of ['hidden', 'shown']) {
      readable = text === 'shown';
      await coordination.remove('/shared/node');
      await coordination.create('/shared/node', Buffer.from(text));
      // Time for several reads that are refused.
      if (!readable) await new Promise((resolve) => setTimeout(resolve, 1_500));
    }
    await until(() => seen.at(-1) === 'shown', 'allowed again');
    expect(seen).to.not.include('hidden');
    watch.close();
    await coordination.removeTree('/');
  });
});
