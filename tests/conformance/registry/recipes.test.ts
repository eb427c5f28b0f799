import { createHash, X509Certificate } from 'node:crypto';
import { expect } from 'chai';
import { systemClock } from '../../../src/clock';
import { ConfigurationError, ConflictError, InputError, NotFoundError, UnavailableError } from '../../../src/errors';
import { silentLog } from '../../../src/log';
import { systemRandom } from '../../../src/random';
import { checkInitialised, initialise } from '../../../src/registry/bootstrap';
import { changeConnections, readConnections, type ClusterConnections } from '../../../src/registry/cluster-connections';
import type { Coordination } from '../../../src/registry/coordination';
import { WatchedKeyDirectory } from '../../../src/registry/key-directory';
import { acquireLock, withLock } from '../../../src/registry/locks';
import { MemoryCoordinationServer, type MemoryCoordination } from '../../../src/registry/memory-coordination';
import { paths } from '../../../src/registry/paths';
import type { KeyVerdict, Presence } from '../../../src/registry/ports';
import { MembersWatch, PresencePublisher, readMembers } from '../../../src/registry/presence';
import { readSettings } from '../../../src/registry/settings-store';
import { SourceRegistry } from '../../../src/registry/source-registry';
import { failure, until, type Breakable, type CoordinationWorld } from './coordination-suite';
import { openZooKeeperWorld } from './zookeeper-world';

const connections: ClusterConnections = {
  mongodb: { volumes: [{ name: 'first', url: 'mongodb://[::1]:1/?replicaSet=rs0' }] },
  solr: { urls: ['http://[::1]:1/solr'] },
};
const time = { clock: systemClock, random: systemRandom };

async function openMemoryWorld(): Promise<CoordinationWorld> {
  const server = new MemoryCoordinationServer({ clock: systemClock });
  const opened: MemoryCoordination[] = [];
  return {
    connect: async () => {
      const coordination = server.connect();
      opened.push(coordination);
      return {
        coordination,
        loseConnection: async () => { coordination.loseConnection(); },
        reconnect: async () => { coordination.reconnect(); },
        expireSession: async () => { coordination.expireSession(); },
      };
    },
    close: async () => { await Promise.all(opened.map((coordination) => coordination.close())); },
  };
}

for (const [name, open] of [['memory', openMemoryWorld], ['ZooKeeper', openZooKeeperWorld]] as const) {
  describe(`The registry's recipes over ${name}`, function () {
    this.timeout(60_000);
    let world: CoordinationWorld;
    let one: Breakable;
    let a: Coordination;
    let b: Coordination;

    beforeEach(async () => {
      world = await open();
      one = await world.connect();
      a = one.coordination;
      b = (await world.connect()).coordination;
    });

    afterEach(async () => {
      await world.close();
    });

    describe('bootstrap', () => {
      it('makes a cluster once, however many try at the same time (schedule 36)', async () => {
        expect(await failure(checkInitialised(a))).to.be.instanceOf(ConfigurationError);
        const others = await Promise.all(Array.from({ length: 4 }, async () => (await world.connect()).coordination));
        const made = await Promise.all(
          others.map((coordination) => initialise({ coordination, connections, ...time })),
        );
        expect(made.filter(({ created }) => created)).to.have.length(1);
        expect(new Set(made.map(({ clusterId }) => clusterId)).size).to.equal(1);
        const again = await initialise({ coordination: a, connections, ...time, settings: { files: { maxLines: 1 } } });
        expect(again.created).to.equal(false);
        expect((await checkInitialised(b)).clusterId).to.equal(again.clusterId);
        expect((await readSettings(b)).settings.files.maxLines).to.equal(1_000_000);
        expect(await readConnections(b)).to.deep.equal(connections);
      });

      it('keeps the volumes that files may name', async () => {
        await initialise({ coordination: a, connections, ...time });
        const second = { name: 'second', url: 'mongodb://[::1]:2/' };
        const more = { ...connections, mongodb: { volumes: [...connections.mongodb.volumes, second] } };
        await changeConnections(a, more);
        expect(await readConnections(b)).to.deep.equal(more);
        expect(await failure(changeConnections(a, connections))).to.be.instanceOf(InputError);
      });
    });

    describe('locks', () => {
      it('are held by one at a time, in the order of asking', async () => {
        const clients = await Promise.all(Array.from({ length: 5 }, async () => (await world.connect()).coordination));
        let holders = 0;
        const done: number[] = [];
        await Promise.all(clients.map((client, index) => withLock(client, 'test', time, async (lock) => {
          holders += 1;
          expect(holders).to.equal(1);
          expect(lock.lost.aborted).to.equal(false);
          await new Promise((resolve) => setTimeout(resolve, 20));
          holders -= 1;
          done.push(index);
        })));
        expect(done).to.have.length(5);
        expect(await a.children(`${paths.locks}/test`)).to.deep.equal([]);
      });

      it('go on to the next when the holder dies, and tell a holder that it lost', async () => {
        const lock = await acquireLock(a, 'test', time);
        const waiting = acquireLock(b, 'test', time);
        await one.expireSession();
        const next = await waiting;
        await until(() => lock.lost.aborted, 'told');
        expect(next.path).to.not.equal(lock.path);
        const late = failure(a.multi([
          { type: 'check', path: lock.path },
          { type: 'create', path: '/Locks/effect', data: Buffer.alloc(0) },
        ]));
        expect(await late).to.be.instanceOf(NotFoundError);
        await lock.release();
        await next.release();
        await next.release();
      });

      it('are waited for only so long, without leaving a ghost', async () => {
        const lock = await acquireLock(a, 'test', time);
        expect(await failure(acquireLock(b, 'test', { ...time, waitMs: 100 }))).to.be.instanceOf(UnavailableError);
        const stop = new AbortController();
        const aborted = failure(acquireLock(b, 'test', { ...time, signal: stop.signal }));
        await until(async () => (await a.children(`${paths.locks}/test`)).length === 2, 'waits');
        stop.abort();
        expect(await aborted).to.be.instanceOf(UnavailableError);
        await until(async () => (await a.children(`${paths.locks}/test`)).length === 1, 'no ghost');
        await lock.release();
        expect(await a.children(`${paths.locks}/test`)).to.deep.equal([]);
      });

      it('are let go when the work fails', async () => {
        expect((await failure(withLock(a, 'test', time, async () => { throw new Error('broken'); }))).message).to.equal('broken');
        expect(await a.children(`${paths.locks}/test`)).to.deep.equal([]);
      });
    });

    describe('presence', () => {
      const presence: Presence = {
        kind: 'Producer', member: 'p1', address: '[::1]:8443', host: 'here', pid: 1, version: '0', startedAt: 'now',
      };

      it('is there while healthy, with its facts, and returns after an expiry', async () => {
        await initialise({ coordination: a, connections, ...time });
        const publisher = new PresencePublisher({ coordination: a, presence, clock: systemClock, log: silentLog });
        const members = new MembersWatch(b, 'Producer');
        await members.ready;
        expect(members.current).to.deep.equal([]);
        publisher.setHealthy(true);
        await until(() => members.current.length === 1, 'published');
        expect(members.current[0]).to.deep.equal(presence);
        publisher.update({ facts: { diskUsedFraction: 0.5 } });
        await until(() => members.current[0]?.facts?.diskUsedFraction === 0.5, 'updated');
        publisher.setHealthy(false);
        await until(() => members.current.length === 0, 'withdrawn');
        expect(await readMembers(b, 'Producer')).to.deep.equal([]);
        publisher.setHealthy(true);
        await until(() => members.current.length === 1, 'published again');
        await one.expireSession();
        const node = `${paths.configuration}/Producer/p1`;
        await until(async () => a.state === 'connected' && (await b.exists(node))?.ephemeralOwner === a.sessionId, 'again');
        await until(() => members.current.length === 1, 'seen again');
        await publisher.close();
        await publisher.close();
        await until(() => members.current.length === 0, 'closed');
        members.close();
      });

      it('is published as soon as there is a cluster', async () => {
        const publisher = new PresencePublisher({ coordination: a, presence, clock: systemClock, log: silentLog });
        publisher.setHealthy(true);
        await new Promise((resolve) => setTimeout(resolve, 50));
        await initialise({ coordination: b, connections, ...time });
        await until(async () => (await readMembers(b, 'Producer')).length === 1, 'published');
        await publisher.close();
      });
    });

    describe('sources', () => {
      let sources: SourceRegistry;
      let directory: WatchedKeyDirectory;

      beforeEach(async () => {
        await initialise({ coordination: a, connections, ...time });
        sources = new SourceRegistry({ coordination: a, ...time });
        directory = new WatchedKeyDirectory({
          coordination: b, clock: systemClock, log: silentLog, graceSeconds: () => 30,
        });
      });

      afterEach(() => {
        directory.close();
      });

      const verdict = async (key: string, via: 'path' | 'header' | 'certificate' = 'path') =>
        (await (directory.lookUp(key, via) as Promise<KeyVerdict>)).verdict;

      it('get a real certificate whose hash is the key, stored with the name as content', async () => {
        const issued = await sources.add('router-1', { indexed: false });
        const certificate = new X509Certificate(issued.certificatePem);
        expect(createHash('sha256').update(certificate.raw).digest('hex')).to.equal(issued.key);
        expect(certificate.subject).to.equal('CN=router-1');
        expect(Date.parse(certificate.validFrom)).to.be.lessThan(Date.now() - 23 * 3_600_000);
        expect(certificate.verify(certificate.publicKey)).to.equal(true);
        expect((await b.get(`/Authentification/${issued.key}`))?.data.toString()).to.equal('router-1');
        expect(await b.children(`/Authentification/${issued.key}`)).to.deep.equal(['options']);
        expect(await sources.show('router-1')).to.deep.equal(issued.source);
        expect(issued.source).to.include({ enabled: true, indexed: false, certificateOnly: false, timeZone: 'UTC' });
      });

      it('can be declared once, also by two at the same time', async () => {
        const other = new SourceRegistry({ coordination: b, ...time });
        const results = await Promise.allSettled([sources, other, sources, other].map((registry) => registry.add('x')));
        expect(results.filter(({ status }) => status === 'fulfilled')).to.have.length(1);
        const refused = results.find((result) => result.status === 'rejected');
        expect(refused?.reason).to.be.instanceOf(ConflictError);
        expect(await a.children('/Authentification')).to.have.length(1);
        expect((await sources.list()).map((source) => source.name)).to.deep.equal(['x']);
      });

      it('can be used at once, refused once disabled, and forgotten once removed', async () => {
        await directory.ready;
        const issued = await sources.add('x');
        expect(await verdict(issued.key)).to.equal('known');
        await sources.disable('x');
        await until(async () => (await verdict(issued.key)) === 'disabled', 'disabled', 2_000);
        await sources.enable('x');
        await until(async () => (await verdict(issued.key)) === 'known', 'enabled', 2_000);
        await sources.remove('x');
        await until(async () => (await verdict(issued.key)) === 'unknown', 'removed', 2_000);
        expect(await a.children('/Authentification')).to.deep.equal([]);
        expect(await a.children('/Sources')).to.deep.equal([]);
        expect(await failure(sources.remove('x'))).to.be.instanceOf(NotFoundError);
        expect(await failure(sources.show('x'))).to.be.instanceOf(NotFoundError);
      });

      it('inherit nothing from a former one of the same name (schedule 25)', async () => {
        const former = await sources.add('x', { retentionDays: 1, timeZone: 'Europe/Paris' });
        await sources.remove('x');
        const next = await sources.add('x');
        expect(next.source.id).to.not.equal(former.source.id);
        expect(next.source).to.not.have.property('retentionDays');
        expect(next.source.timeZone).to.equal('UTC');
        await until(async () => (await verdict(former.key)) === 'unknown', 'removed', 2_000);
        expect(await verdict(next.key)).to.equal('known');
      });

      it('have two keys while they rotate', async () => {
        const first = await sources.add('x');
        const second = await sources.rotate('x');
        expect(await verdict(first.key)).to.equal('known');
        expect(await verdict(second.key)).to.equal('known');
        expect(second.source.id).to.equal(first.source.id);
        const { keys } = await sources.show('x');
        expect(keys.map(({ key }) => key)).to.deep.equal([second.key, first.key]);
        const overlapMs = Date.parse(keys[1]?.expiresAt ?? '') - Date.now();
        expect(overlapMs).to.be.within(23.9 * 3_600_000, 24 * 3_600_000);
        const third = await sources.rotate('x', 0);
        await until(async () => (await verdict(second.key)) === 'unknown', 'expired', 2_000);
        await until(async () => (await verdict(first.key)) === 'unknown', 'expired, too', 2_000);
        expect(await verdict(third.key)).to.equal('known');
        await sources.rotate('x');
        expect(await a.children('/Authentification')).to.have.length(2);
      });

      it('refuse their key when they are certificate-only', async () => {
        const issued = await sources.add('x', { certificateOnly: true });
        await directory.ready;
        expect(await verdict(issued.key, 'path')).to.equal('certificate-required');
        expect(await verdict(issued.key, 'header')).to.equal('certificate-required');
        expect(await verdict(issued.key, 'certificate')).to.equal('known');
        await sources.setOptions('x', { certificateOnly: false, quotas: { requestsPerSecond: 5 } });
        await until(async () => (await verdict(issued.key)) === 'known', 'changed', 2_000);
      });

      it('refuse names and options that can not be used', async () => {
        for (const bad of ['', ' x', 'a/b', 'a\nb', 'x'.repeat(129), '..']) {
          expect(await failure(sources.add(bad)), bad).to.be.instanceOf(InputError);
        }
        expect(await failure(sources.add('x', { timeZone: 'Mars/Base' }))).to.be.instanceOf(InputError);
        expect(await failure(sources.add('x', { retentionDays: -1 }))).to.be.instanceOf(InputError);
        expect(await failure(sources.add('x', { nonsense: 1 } as never))).to.be.instanceOf(InputError);
        await sources.add('schöner.Name:1@x');
        expect((await sources.list()).map((source) => source.name)).to.deep.equal(['schöner.Name:1@x']);
      });

      it('leave nothing usable when preparing fails', async () => {
        const full = failure(sources.add('x', {}, async () => { throw new Error('disk full'); }));
        expect((await full).message).to.equal('disk full');
        expect(await sources.list()).to.deep.equal([]);
        await sources.add('x');
      });

      it('are told from keys that nobody has', async () => {
        const issued = await sources.add('x');
        await directory.ready;
        expect(await verdict(issued.key)).to.equal('known');
        expect(await verdict('0'.repeat(64))).to.equal('unknown');
        expect(await verdict('not a key')).to.equal('unknown');
      });
    });
  });
}
