import { expect } from 'chai';
import { systemClock } from '../../../src/clock';
import { ConfigurationError, PermissionError } from '../../../src/errors';
import { silentLog } from '../../../src/log';
import { systemRandom } from '../../../src/random';
import { digestIdentity } from '../../../src/registry/access';
import { accessPlan, roles, type Identities, type Role } from '../../../src/registry/access-plan';
import { checkInitialised, initialise } from '../../../src/registry/bootstrap';
import { readConnections } from '../../../src/registry/cluster-connections';
import type { Coordination } from '../../../src/registry/coordination';
import { WatchedKeyDirectory } from '../../../src/registry/key-directory';
import { withLock } from '../../../src/registry/locks';
import { PresencePublisher, readMembers } from '../../../src/registry/presence';
import { changeSettings, readSettings } from '../../../src/registry/settings-store';
import { SourceRegistry } from '../../../src/registry/source-registry';
import { failure, until } from '../../conformance/registry/coordination-suite';
import { openZooKeeperWorld, type ZooKeeperWorld } from '../../conformance/registry/zookeeper-world';

const connections = { mongodb: { volumes: [{ name: 'v', url: 'mongodb://x/' }] }, solr: { urls: ['http://x/solr'] } };
const time = { clock: systemClock, random: systemRandom };
const credentialsOf = (role: Role): string => `${role}:password of ${role}`;
const identities = Object.fromEntries(roles.map((role) => [role, digestIdentity(credentialsOf(role))])) as Identities;
const access = accessPlan(identities);

describe('Access rights in the registry', function () {
  this.timeout(300_000);
  let world: ZooKeeperWorld;
  let as: Record<Role, Coordination>;
  let stranger: Coordination;

  beforeEach(async () => {
    world = await openZooKeeperWorld();
    const entries = await Promise.all(roles.map(async (role) =>
      [role, (await world.connect({ credentials: credentialsOf(role), access })).coordination] as const));
    as = Object.fromEntries(entries) as Record<Role, Coordination>;
    stranger = (await world.connect()).coordination;
    await initialise({ coordination: as.admin, connections, ...time, restricted: true });
  });

  afterEach(async () => {
    await as.admin.removeTree('/');
    await world.close();
  });

  it('let a stranger see and change nothing', async () => {
    const { key } = await new SourceRegistry({ coordination: as.admin, ...time }).add('x');
    const attempts = [
      stranger.get('/Authentification'), stranger.children('/Authentification'), stranger.get(`/Authentification/${key}`),
      stranger.get('/Configuration/Cluster'), stranger.children('/Sources'), stranger.get('/ClusterId'),
      stranger.create('/x', Buffer.alloc(0)), stranger.create('/Queue/x', Buffer.alloc(0)),
      stranger.create('/Lanes/x', Buffer.alloc(0)), stranger.remove(`/Authentification/${key}/options`),
      stranger.hold('/Configuration/Producer/x', Buffer.alloc(0)),
    ];
    for (const error of await Promise.all(attempts.map((attempt) => failure(attempt)))) {
      expect(error, error.message).to.be.instanceOf(PermissionError);
    }
  });

  it('let nobody but administrators declare sources, and consumers not even see keys', async () => {
    const issued = await new SourceRegistry({ coordination: as.admin, ...time }).add('x');
    for (const role of ['producer', 'consumer', 'launcher'] as const) {
      const registry = new SourceRegistry({ coordination: as[role], ...time });
      expect(await failure(registry.add(`by-${role}`)), role).to.be.instanceOf(PermissionError);
      const write = as[role].set(`/Authentification/${issued.key}/options`, Buffer.from('{}'));
      expect(await failure(write), role).to.be.instanceOf(PermissionError);
    }
    expect(await failure(as.consumer.children('/Authentification'))).to.be.instanceOf(PermissionError);
    expect(await failure(as.consumer.children('/Sources'))).to.be.instanceOf(PermissionError);
    const directory = new WatchedKeyDirectory({
      coordination: as.producer, clock: systemClock, log: silentLog, graceSeconds: () => 30,
    });
    await directory.ready;
    expect(await directory.lookUp(issued.key, 'path')).to.include({ verdict: 'known' });
    directory.close();
  });

  it('let each role do its work', async () => {
    for (const role of ['producer', 'consumer'] as const) {
      expect((await readSettings(as[role])).problem).to.equal(undefined);
      expect(await readConnections(as[role])).to.deep.equal(connections);
      await as[role].create('/Queue/item-', Buffer.alloc(0), 'persistent-sequential');
      expect(await withLock(as[role], 'recovery', time, async () => 'done')).to.equal('done');
      expect(await failure(changeSettings(as[role], { files: { maxLines: 1 } }))).to.be.instanceOf(PermissionError);
    }
    for (const name of await as.producer.children('/Queue')) await as.consumer.remove(`/Queue/${name}`);
    await as.producer.hold('/Lanes/incarnation', Buffer.alloc(0));
    expect(await as.consumer.exists('/Lanes/incarnation')).to.not.equal(undefined);
    expect(await failure(as.consumer.create('/Lanes/x', Buffer.alloc(0)))).to.be.instanceOf(PermissionError);
    const publisher = new PresencePublisher({
      coordination: as.launcher, clock: systemClock, log: silentLog,
      presence: { kind: 'MongoDB', member: 'm', address: '[::1]:1', host: '', pid: 1, version: '', startedAt: '' },
    });
    publisher.setHealthy(true);
    await until(async () => (await readMembers(as.producer, 'MongoDB')).length === 1, 'published');
    await publisher.close();
    expect(await failure(readConnections(as.launcher))).to.be.instanceOf(PermissionError);
    await changeSettings(as.admin, { files: { maxLines: 1 } });
  });

  it('are ours from the first moment: a chroot that somebody else made is refused (schedule 36)', async () => {
    await as.admin.removeTree('/');
    await stranger.ensure('/');
    const error = await failure(initialise({ coordination: as.admin, connections, ...time, restricted: true }));
    expect(error).to.be.instanceOf(ConfigurationError);
    expect(error.message).to.contain('exists already');
    expect(await failure(checkInitialised(as.producer))).to.be.instanceOf(ConfigurationError);
  });
});
