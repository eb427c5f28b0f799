import { expect } from 'chai';
import { createHmac } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, statSync, utimesSync } from 'node:fs';
import { get as httpGet } from 'node:http';
import { get as httpsGet } from 'node:https';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { MongoClient } from 'mongodb';
import { systemClock } from '../../src/clock';
import { PermissionError } from '../../src/errors';
import { silentLog } from '../../src/log';
import { systemRandom } from '../../src/random';
import { connectZooKeeper } from '../../src/registry/zookeeper-coordination';
import { loadSchema } from '../../src/schemas';
import type { Run } from '../support/checkout';
import { derivedSecrets } from '../support/derived-secrets';
import { listenersOf } from '../support/listeners';
import { RequestedCluster, parametersFrom, type Published } from './support/cluster';
import { clusterBasePort } from './support/ports';
import { startedProcesses } from './support/processes';
import { sharedNode } from './support/shared-node';
import type { SlaposNode } from './support/slapos-node';

const LINES = 10_000;
const LINES_A_REQUEST = 1_000;
const ROLES = ['admin', 'producer', 'consumer', 'launcher', 'super'];
/** What listens in a cluster of one of each, as distances from the base. */
const OFFSETS = [1, 11, 21, 31, 41, 51, 71];
const READY_MS = 120_000;

// The short form, which `make test` runs, leaves out what is called long.
describe('SlapOS: a cluster of one of each', function () {
  this.timeout(1_800_000);
  let node: SlaposNode;
  let base = 0;
  let cluster: RequestedCluster;
  let published: Published;

  const resilog = (...args: string[]): Promise<Run> => cluster.resilog(...args);

  before(async () => {
    node = await sharedNode();
    base = await clusterBasePort();
    cluster = new RequestedCluster(node, 'cluster', parametersFrom(base));
  });

  it('is requested once, and every promise passes', async () => {
    await cluster.start();
    ({ published } = cluster);
    expect(loadSchema('instance-default-output-schema').check(published)).to.have.property('value');
    expect(published['intake-urls']).to.deep.equal([`https://[::1]:${base + 51}`]);
    expect(published['fault-tolerant']).to.equal(false);
    expect(published.remark).to.include('1 zookeeper, 1 mongodb, 1 solr');
  });

  it('has a command line in the root\'s partition that needs no configuration', async () => {
    const { code, stdout, stderr } = await resilog('status');
    expect(code, stderr).to.equal(0);
    for (const name of ['zookeeper-1', 'mongodb-1', 'solr-1', 'producer-1', 'consumer-1']) expect(stdout).to.include(name);
  });

  it('listens on the partitions\' address only', () => {
    const found = listenersOf([...node.services().keys()]);
    expect(new Set(found.map(({ address }) => address))).to.deep.equal(new Set(['::1']));
    expect([...new Set(found.map(({ port }) => port - base))].sort((a, b) => a - b)).to.deep.equal(OFFSETS);
  });

  it(`takes ${LINES} lines over HTTPS and finds each of them`, async () => {
    const key = await cluster.addSource('web1');
    for (let first = 0; first < LINES; first += LINES_A_REQUEST) {
      const lines = Array.from({ length: LINES_A_REQUEST }, (_, index) => `slapos test line ${first + index}\n`);
      expect(await cluster.post(1, key, lines.join(''))).to.equal(200);
    }
    expect(await cluster.countLines('web1')).to.equal(LINES);
  });

  it('shows its secrets in no command line and to no other user', async () => {
    const secret = published['admin-secret'];
    const passwords = ROLES.map((role) => createHmac('sha256', secret).update(role).digest('hex'));
    const { stdout } = await node.run('ps', ['-eo', 'args', '-ww']);
    const logs = await node.run('sh', ['-c', `cat ${node.partition('slappart*')}/.*.log ${node.partition('slappart*')}/var/log/*`]);
    const authority = createHmac('sha256', secret).update('authority').digest('hex');
    for (const word of [secret, authority, ...passwords, ...await derivedWords(secret)]) {
      expect(stdout).not.to.include(word);
      expect(logs.stdout).not.to.include(word);
    }
    expect(logs.stdout).not.to.include('PRIVATE KEY');
    const modes = await node.run('stat', ['-c', '%a', ...node.usedPartitions().map((name) => node.partition(name))]);
    expect(new Set(modes.stdout.trim().split('\n'))).to.deep.equal(new Set(['750']));
    // Nothing below it is for others either, should it be opened to them.
    const all = node.partition('slappart*');
    const open = await node.run('sh', ['-c', `find ${all}/etc ${all}/srv ${all}/var -maxdepth 0 -perm /077`]);
    expect(open.stdout).to.equal('');
    const files = await node.run('sh', ['-c', `stat -c %a ${all}/etc/secret/* ${all}/srv/tls/*.key`]);
    expect(new Set(files.stdout.trim().split('\n'))).to.deep.equal(new Set(['600']));
  });

  it('lets no stranger into MongoDB, Solr or ZooKeeper', async () => {
    // Who is no stranger is let in: mongod and Solr answer the command line above all the time.
    const options = { directConnection: true, serverSelectionTimeoutMS: 3_000 };
    const encrypted = new MongoClient(`mongodb://[::1]:${base + 31}/?tls=true&tlsAllowInvalidCertificates=true`, options);
    const plain = new MongoClient(`mongodb://[::1]:${base + 31}/`, options);
    try {
      expect(await refusal(encrypted.db('resilog').collection('states').findOne())).to.match(/requires authentication/);
      expect(await refusal(encrypted.db('admin').command({ createUser: 'x', pwd: 'x', roles: ['root'] })))
        .to.match(/requires authentication/);
      expect(await refusal(plain.db('admin').command({ hello: 1 }))).to.match(/closed/);
    } finally {
      await Promise.all([encrypted.close(), plain.close()]);
    }
    for (const path of ['/resilog/select?q=*:*', '/admin/info/health', '/admin/authentication', '/admin/collections?action=LIST']) {
      expect(await statusOf(`https://[::1]:${base + 41}/solr${path}`)).to.equal(401);
    }
    expect(await refusal(statusOf(`http://[::1]:${base + 41}/solr/admin/info/health`))).to.match(/hang up|ECONNRESET|Parse Error/);
    const tree = connectZooKeeper({
      servers: [{ host: '::1', port: base + 1 }], chroot: '', clock: systemClock, random: systemRandom, log: silentLog,
    });
    try {
      for (const attempt of [
        tree.children('/resilog/Authentification'), tree.get('/resilog/Configuration/Cluster'), tree.get('/solr/security.json'),
        tree.children('/solr/collections'), tree.create('/x', Buffer.alloc(0)), tree.create('/zookeeper/x', Buffer.alloc(0)),
      ]) {
        expect(await attempt.then(() => 'let in', (error: unknown) => error)).to.be.instanceOf(PermissionError);
      }
    } finally {
      await tree.close();
    }
  });

  it('keeps no password where the registry says where servers are', async () => {
    const stored = await resilog('config', 'list', '--json');
    expect(stored.code, stored.stderr).to.equal(0);
    // ZooKeeper's files are mostly zeros.
    const registry = await node.run('sh', ['-c',
      `cat ${node.partition('slappart*')}/srv/zookeeper/version-2/* | tr -d '\\000'`]);
    for (const word of await derivedWords(published['admin-secret'])) {
      expect(stored.stdout).not.to.include(word);
      expect(registry.stdout).not.to.include(word);
    }
  });

  it('starts a server anew that was killed', async () => {
    const mongod = [...node.services()].find(([, command]) => /bin\/mongod /.test(command) && !command.includes(' launch '));
    if (mongod === undefined) throw new Error('mongod does not run');
    process.kill(mongod[0], 'SIGKILL');
    await sleep(2_000);
    await cluster.untilReady();
    expect([...node.services().keys()]).not.to.include(mongod[0]);
  });

  it('rotates its logs, at once when told so (long)', async () => {
    const mongod = node.partition(cluster.partitionOf('mongodb-1'));
    expect((await node.run(join(mongod, 'bin', 'rotate-logs'), ['--now'])).code).to.equal(0);
    const archive = join(mongod, 'srv', 'backup', 'logrotate');
    const files = readdirSync(archive);
    for (const name of files) expect(name).to.match(/^(mongodb|turn)-output\.log-[\d-]+\.gz$/);
    const own = files.filter((name) => name.startsWith('mongodb-'));
    expect(own).to.have.length(1);
    expect(gunzipSync(readFileSync(join(archive, own[0] ?? ''))).toString()).to.include('ComponentHealthy');
    // What is running goes on with the emptied file.
    const deadline = Date.now() + READY_MS;
    const log = join(mongod, 'var', 'log', 'mongodb-output.log');
    while (statSync(log).size === 0 && Date.now() < deadline) await sleep(500);
    expect(readFileSync(log)[0]).to.equal('{'.charCodeAt(0));
  });

  it('begins another log of ZooKeeper\'s on another day (long)', async () => {
    const folder = join(node.partition(cluster.partitionOf('zookeeper-1')), 'var', 'log');
    const yesterday = new Date(Date.now() - 86_400_000);
    utimesSync(join(folder, 'zookeeper.log'), yesterday, yesterday);
    const zookeeper = [...node.services()].find(([, command]) => / org\.apache\.zookeeper\..*QuorumPeerMain /.test(command)
      && !command.includes(' launch '));
    process.kill(zookeeper?.[0] ?? 0, 'SIGKILL');
    const wanted = `zookeeper.log-${yesterday.toISOString().slice(0, 10).replaceAll('-', '')}.0.gz`;
    const deadline = Date.now() + READY_MS;
    while (!existsSync(join(folder, wanted)) && Date.now() < deadline) await sleep(500);
    expect(readdirSync(folder)).to.include(wanted);
    await cluster.untilReady();
  });

  it('is left alone by further runs of slapgrid (long)', async () => {
    // The killed ZooKeeper of the step before may have had Solr restarted, too, which promises wait for.
    await node.settle();
    expect((await node.instance('--all')).code).to.equal(0);
    const before = services(node);
    const secrets = await secretFiles(node);
    for (let pass = 0; pass < 2; pass += 1) expect((await node.instance('--all')).code).to.equal(0);
    expect(services(node)).to.deep.equal(before);
    expect(await secretFiles(node)).to.equal(secrets);
    expect((await node.info<Published>('cluster'))['connection-parameters']).to.deep.equal(published);
  });

  it('stops, and starts again with the same data and secrets (long)', async () => {
    const secrets = await secretFiles(node);
    await cluster.request('stopped');
    for (let pass = 0; pass < 3; pass += 1) await node.instance();
    expect([...node.services().values()]).to.deep.equal([]);
    await cluster.start();
    expect(cluster.published['admin-secret']).to.equal(published['admin-secret']);
    await cluster.untilReady();
    expect(await secretFiles(node)).to.equal(secrets);
    expect((await resilog('search', '*', '--source', 'web1', '--count')).stdout.trim()).to.equal(String(LINES));
  });

  it('says in its log which parameter is wrong', async () => {
    const { parameters } = cluster;
    cluster.parameters = { ...parameters, zookeeper: { count: 2 }, solr: { cuont: 1 } };
    await cluster.request();
    const { code, stderr } = await node.instance();
    expect(code).not.to.equal(0);
    expect(stderr).to.match(/2 is not one of \[1, 3, 5\]/);
    expect(stderr).to.include('cuont');
    cluster.parameters = parameters;
    await cluster.start();
  });

  it('leaves nothing when it is destroyed', async () => {
    await cluster.destroy();
    expect(node.usedPartitions()).to.deep.equal([]);
    expect([...node.services().values()]).to.deep.equal([]);
  });
});

/** Every password that members of the cluster are told. */
async function derivedWords(secret: string): Promise<string[]> {
  const { options } = await derivedSecrets(secret);
  const { admin, producer, consumer, zookeeper, mongodb, solr, set } = options;
  return [admin, producer, consumer, zookeeper, mongodb, solr, set].flatMap((told) => Object.values(told))
    .concat(options.super).flatMap((text) => text.split('\n')).map((line) => line.split(':').at(-1) ?? '');
}

/** Hashes of all files with secrets, and of servers' keys and certificates. */
async function secretFiles(node: SlaposNode): Promise<string> {
  const all = node.partition('slappart*');
  const { code, stdout, stderr } = await node.run('sh', ['-c',
    `sha256sum ${all}/etc/secret/* ${all}/srv/tls/server.key ${all}/etc/resilog/*.crt`]);
  expect(code, stderr).to.equal(0);
  return stdout;
}

function refusal(attempt: Promise<unknown>): Promise<string> {
  return attempt.then(() => 'let in', (error: unknown) => String(error));
}

/** Of a GET without a password, by a client that trusts anybody. */
function statusOf(url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const get = url.startsWith('https:') ? httpsGet : httpGet;
    const sent = get(url, { rejectUnauthorized: false, agent: false }, (response) => {
      response.resume().on('end', () => { resolve(response.statusCode ?? 0); });
    });
    sent.on('error', reject);
  });
}

/** All services; those that only sleep between two looks at their logs start programs all the time. */
function services(node: SlaposNode): string[] {
  return startedProcesses(node, (command) => !command.includes('sleep'));
}
