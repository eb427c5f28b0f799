import { expect } from 'chai';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../src/clock';
import { PermissionError } from '../../src/errors';
import { silentLog } from '../../src/log';
import { readConfiguration } from '../../src/process/configuration';
import { systemRandom } from '../../src/random';
import { accessPlan, roles } from '../../src/registry/access-plan';
import type { Coordination } from '../../src/registry/coordination';
import { connectZooKeeper } from '../../src/registry/zookeeper-coordination';
import type { Cluster } from '../support/cluster';
import { sharedCluster } from '../support/shared-cluster';
import { until } from '../support/wait';
import { fetchText, post } from './support/client';
import { commandsOf } from './support/commands';

describe('access rights of a local cluster', function () {
  this.timeout(600_000);
  let cluster: Cluster;
  let key: string;
  const open: Coordination[] = [];

  /** A session with the credentials of that configuration file, or with none at all. */
  const session = (file?: string): Coordination => {
    const { zookeeper: servers, chroot, credentials, access } = readConfiguration(file ?? cluster.configuration);
    const coordination = connectZooKeeper({
      servers, chroot, clock: systemClock, random: systemRandom, log: silentLog,
      ...(file === undefined || credentials === undefined || access === undefined
        ? {} : { credentials, access: accessPlan(access) }),
    });
    open.push(coordination);
    return coordination;
  };
  const refused = async (attempt: Promise<unknown>, what: string): Promise<void> => {
    const error = await attempt.then(() => undefined, (reason: unknown) => reason);
    expect(error, what).to.be.instanceOf(PermissionError);
  };

  before(async () => {
    cluster = await sharedCluster();
    key = (await commandsOf(cluster).addSource('guarded')).key;
  });

  after(async () => {
    await Promise.all(open.map((one) => one.close()));
    await commandsOf(cluster).run('source', 'remove', 'guarded');
  });

  it('let a stranger on ZooKeeper see no key, no connection, no queue, and change nothing', async () => {
    const stranger = session();
    await refused(stranger.children('/Authentification'), 'names of keys');
    await refused(stranger.get(`/Authentification/${key}`), 'a key');
    await refused(stranger.get(`/Authentification/${key}/options`), 'options of a key');
    await refused(stranger.get('/Configuration/Cluster'), 'connections');
    await refused(stranger.get('/Configuration/Settings'), 'settings');
    await refused(stranger.set('/Configuration/Settings', Buffer.from('{}')), 'changing settings');
    await refused(stranger.children('/Queue/buckets'), 'the queue');
    await refused(stranger.create('/Queue/dead/x', Buffer.alloc(0)), 'a dead letter');
    await refused(stranger.hold('/Configuration/Producer/x', Buffer.alloc(0)), 'a presence');
    await refused(stranger.remove(`/Authentification/${key}/options`), 'removing a key');
  });

  it('let a consumer read no key and declare no source; a launcher only its presence', async () => {
    const consumer = session(join(cluster.folder, 'consumer-1', 'process.json'));
    await refused(consumer.children('/Authentification'), 'names of keys');
    await refused(consumer.create(`/Authentification/${'0'.repeat(64)}`, Buffer.from('x')), 'making a key');
    await refused(consumer.set('/Configuration/Settings', Buffer.from('{}')), 'changing settings');
    const producer = session(join(cluster.folder, 'producer-1', 'process.json'));
    expect((await producer.get(`/Authentification/${key}`))?.data.toString()).to.equal('guarded');
    await refused(producer.set(`/Authentification/${key}`, Buffer.from('other')), 'changing a key');
    const launcher = session(join(cluster.folder, 'launcher.json'));
    await refused(launcher.get('/Configuration/Cluster'), 'connections');
    await refused(launcher.children('/Queue/buckets'), 'the queue');
  });

  it('are told on the command line, with 77', async () => {
    const config = join(cluster.folder, 'consumer-1', 'process.json');
    const { code, stderr } = await cluster.resilog(['--config', config, 'source', 'add', 'sneaky']);
    expect(code, stderr).to.equal(77);
    expect(stderr).to.not.include('    at ');
  });

  it('rest on secrets that only their owner reads and no process shows', () => {
    const secrets = secretsOf(cluster);
    for (const role of roles) expect(statSync(join(cluster.folder, 'secrets', role)).mode & 0o777).to.equal(0o600);
    expect(new Set(secrets).size).to.equal(roles.length);
    expect(statSync(join(cluster.folder, 'secrets')).mode & 0o777).to.equal(0o700);
    let seen = 0;
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      for (const part of ['cmdline', 'environ']) {
        let shown: string;
        try {
          shown = readFileSync(join('/proc', pid, part), 'utf8');
        } catch {
          continue;
        }
        seen += Number(shown.includes(cluster.folder));
        for (const secret of secrets) expect(shown.includes(secret), `${part} of ${pid}`).to.equal(false);
      }
    }
    expect(seen).to.be.greaterThan(5);
  });

  it('and no log and no figure shows them, nor the key of a source that was used well and badly', async () => {
    const producer = `https://[::1]:${cluster.basePort + 51}`;
    const body = Buffer.from('a line\n');
    expect((await post(`${producer}/${key}`, body)).status).to.equal(200);
    expect((await post(producer, body, { headers: { 'X-Resilog-Key': key } })).status).to.equal(200);
    expect((await post(`${producer}/${key}`, body, { headers: { 'Content-Encoding': 'gzip' } })).status).to.equal(400);
    await commandsOf(cluster).run('source', 'disable', 'guarded');
    await until('it is refused', 5_000, async () => (await post(`${producer}/${key}`, body)).status === 403);
    await commandsOf(cluster).run('source', 'enable', 'guarded');
    const logs = readdirSync(cluster.folder, { recursive: true }).map(String).filter((name) => /\.log(?:\.\d+)?$/.test(name));
    const texts = logs.map((name) => [name, readFileSync(join(cluster.folder, name), 'utf8')] as const);
    expect(texts.filter(([, text]) => text.length > 0).length).to.be.greaterThan(5);
    const figures = await Promise.all([`${producer}/metrics`, `http://[::1]:${cluster.basePort + 71}/metrics`].map(fetchText));
    for (const [name, text] of [...texts, ...figures.map((text) => ['metrics', text] as const)]) {
      for (const secret of [...secretsOf(cluster), key]) expect(text.includes(secret), name).to.equal(false);
    }
  });
});

/** Passwords of the cluster's roles at ZooKeeper. */
function secretsOf(cluster: Cluster): readonly string[] {
  return roles.map((role) => readFileSync(join(cluster.folder, 'secrets', role), 'utf8').trim().slice(role.length + 1));
}
