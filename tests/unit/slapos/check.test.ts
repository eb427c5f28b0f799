import { expect } from 'chai';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { systemClock } from '../../../src/clock';
import { ownCertificate } from '../../../src/producer/certificate';
import { systemRandom } from '../../../src/random';
import { checkout, run } from '../../support/checkout';
import { ManualClock } from '../../support/manual-clock';
import { serverTls, type TlsOptions } from '../../support/secured-servers';

/** Of a producer's certificate. */
const VALID_DAYS = 3_650;

describe('check.py, which promises ask', function () {
  this.timeout(60_000);
  let folder: string;
  const servers: Server[] = [];

  /** What it says of these arguments; starts with OK when nothing is wrong. */
  const check = async (...args: string[]): Promise<string> => {
    const { code, stdout } = await run('python3', [join(checkout, 'templates', 'check.py'), ...args]);
    expect(code).to.equal(stdout === 'OK\n' ? 0 : 1);
    return stdout.trim();
  };
  const listening = async (server: Server): Promise<string> => {
    servers.push(server);
    await new Promise<void>((resolve) => { server.listen({ host: '::1', port: 0 }, resolve); });
    return String((server.address() as AddressInfo).port);
  };
  const zookeeper = (answer: string): Promise<string> =>
    listening(createServer((socket) => { socket.on('data', () => { socket.end(answer); }); }));
  const free = async (): Promise<number> => {
    const server = createServer();
    await new Promise<void>((resolve) => { server.listen({ host: '::1', port: 0 }, resolve); });
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => { server.close(resolve); });
    return port;
  };
  const http = (status: number, body: string): Promise<string> =>
    listening(createHttpServer((_request, response) => { response.writeHead(status).end(body); }));
  /** A program that answers like `resilog`. */
  const program = (output: unknown): string => {
    const file = join(folder, 'resilog');
    writeFileSync(file, `#!/bin/sh\ncat <<'END'\n${JSON.stringify(output)}\nEND\n`, { mode: 0o755 });
    return file;
  };
  const plan = (content: unknown): string => {
    const file = join(folder, 'plan.json');
    writeFileSync(file, JSON.stringify(content));
    return file;
  };

  beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'resilog-')); });
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
    rmSync(folder, { recursive: true });
  });

  it('knows a ZooKeeper in a quorum from one without', async () => {
    expect(await check('zookeeper', '::1', await zookeeper('Zookeeper version: 3\nMode: follower\n'))).to.equal('OK');
    expect(await check('zookeeper', '::1', await zookeeper('This ZooKeeper instance is not currently serving requests\n')))
      .to.match(/is in no quorum: start the other members/);
  });

  it('says that nothing listens', async () => {
    const port = await zookeeper('');
    for (const server of servers.splice(0)) server.close();
    expect(await check('zookeeper', '::1', port)).to.include(`nothing listens on [::1]:${port}`);
  });

  it('wants a member of MongoDB to be primary or secondary', async () => {
    expect(await check('mongodb', program({ member: 'm', state: 'secondary' }), 'c', 'm')).to.equal('OK');
    expect(await check('mongodb', program({ member: 'm', state: 'not initiated' }), 'c', 'm')).to.include('no replica set yet');
    expect(await check('mongodb', program({ member: 'm', state: 'unreachable' }), 'c', 'm')).to.include('m is unreachable');
  });

  it('wants every replica of a Solr node to be active, over HTTPS and with a password', async () => {
    const { authority, certificate, key } = await serverTls();
    const [credentials, trusted] = [join(folder, 'solr-credentials'), join(folder, 'authority.crt')];
    writeFileSync(credentials, 'launcher:secret\n');
    writeFileSync(trusted, authority);
    const tls = { key, cert: certificate };
    const solr = (status: number, body: string): Promise<string> => listening(
      createHttpsServer(tls, ({ headers, url }, response) => {
        const known = headers.authorization === 'Basic bGF1bmNoZXI6c2VjcmV0';
        const said = url?.includes('CLUSTERSTATUS') === true ? '{"cluster":{}}' : body;
        response.writeHead(known ? status : 401).end(said);
      }));
    const healthy = await solr(200, '{}');
    expect(await check('solr', '::1', healthy, credentials, trusted)).to.equal('OK');
    expect(await check('solr', '::1', await solr(503, '{"message":"Replica(s) down"}'), credentials, trusted)).to.include('Replica(s) down');
    writeFileSync(credentials, 'launcher:other');
    expect(await check('solr', '::1', healthy, credentials, trusted)).to.include('does not know the user').and.not.include('other');
    writeFileSync(trusted, (await serverTls({ secret: 'another cluster' })).authority);
    expect(await check('solr', '::1', healthy, credentials, trusted)).to.match(/certificate verify failed/);
  });

  it('wants a server\'s certificate to be of the authority, for its address, and to last', async () => {
    const trusted = join(folder, 'authority.crt');
    writeFileSync(trusted, (await serverTls()).authority);
    const serving = async (options: TlsOptions): Promise<string> => {
      const { certificate, key } = await serverTls(options);
      return listening(createTlsServer({ key, cert: certificate }, (socket) => { socket.on('error', () => undefined); }));
    };
    const said = async (options: TlsOptions): Promise<string> => check('served', '::1', await serving(options), trusted);
    expect(await said({})).to.equal('OK');
    expect(await said({ agedDays: 380 })).to.equal('OK');
    expect(await said({ agedDays: 390 })).to.match(/shows ends in [67] days: the root of the cluster issues another/);
    expect(await said({ agedDays: 400 })).to.match(/is not good \(certificate has expired\)/);
    expect(await said({ address: 'fd46::5' })).to.match(/is not good \(IP address mismatch/);
    expect(await said({ secret: 'another cluster' })).to.match(/is not good/);
  });

  it('is not taken in by a Solr node that has not loaded its cores yet', async () => {
    const port = await free();
    const node = `[::1]:${port}_solr`;
    const replica = (core: string, node_name: string, state: string, leader?: string): object =>
      ({ core, node_name, state, leader });
    const { authority, certificate, key } = await serverTls();
    const [credentials, trusted] = [join(folder, 'solr-credentials'), join(folder, 'authority.crt')];
    writeFileSync(credentials, 'launcher:secret\n');
    writeFileSync(trusted, authority);
    const state = async (...all: readonly object[]): Promise<string> => {
      const replicas = Object.fromEntries(all.map((content, index) => [`core_node${index}`, content]));
      const shards = { shard1: { replicas } };
      const server = createHttpsServer({ key, cert: certificate }, (request, response) => {
        const known = request.headers.authorization === 'Basic bGF1bmNoZXI6c2VjcmV0';
        response.writeHead(known ? 200 : 401).end(request.url?.includes('CLUSTERSTATUS') === true
          ? JSON.stringify({ cluster: { collections: { resilog: { shards } } } }) : '{"message":"All cores are healthy"}');
      });
      await new Promise<void>((resolve) => { server.listen({ host: '::1', port }, resolve); });
      const said = await check('solr', '::1', String(port), credentials, trusted);
      await new Promise((resolve) => { server.close(resolve); });
      return said;
    };
    expect(await state(replica('own', node, 'down'), replica('other', '[::1]:1_solr', 'active', 'true')))
      .to.include('has own down:').and.include('recovers by itself once its leader is up');
    expect(await state(replica('own', node, 'active'))).to.include('no leader of shard1 of resilog');
    expect(await state(replica('own', node, 'active', 'true'), replica('other', '[::1]:1_solr', 'down'))).to.equal('OK');
  });

  it('repeats why a consumer is not ready', async () => {
    expect(await check('consumer', '::1', await http(503, '{"reasons":["no contact with Solr"]}')))
      .to.include('no contact with Solr').and.include('mend the component');
  });

  it('says that a producer has no certificate yet, and that it is not published yet', async () => {
    const [made, published] = [join(folder, 'producer.crt'), join(folder, 'published.crt')];
    expect(await check('producer', '::1', '1', made)).to.include('has made no certificate yet');
    writeFileSync(made, 'new');
    writeFileSync(published, '');
    expect(await check('certificate', made, published)).to.include('is not published yet');
  });

  it('says that a certificate ends soon', async () => {
    const clock = new ManualClock();
    clock.step(Date.now() - clock.now() - (VALID_DAYS - 5) * 86_400_000);
    await ownCertificate({ folder, addresses: ['::1'], clock, random: systemRandom });
    const made = join(folder, 'producer.crt');
    expect(await check('certificate', made, made)).to.equal(
      'the certificate ends in 4 days: restart the producer, which makes another');
    await ownCertificate({ folder, addresses: ['::1'], clock: systemClock, random: systemRandom });
    expect(await check('certificate', made, made)).to.equal('OK');
  });

  it('sees room on a disk', async () => {
    expect(await check('disk', folder)).to.match(/^OK$|the disk of .* is \d+ % full/);
  });

  it('sees a disk that is full, and says how full', async () => {
    const script = 'mount -t tmpfs -o size=100k tmpfs "$1" && head -c 90112 /dev/zero >"$1/lines" && shift && exec "$@"';
    const { code, stdout, stderr } = await run('unshare', [process.getuid?.() === 0 ? '-m' : '-Urm', 'sh', '-c', script, 'sh',
      folder, 'python3', join(checkout, 'templates', 'check.py'), 'disk', folder]);
    expect(stdout, stderr).to.match(/^the disk of .* is 8[89] % full, intake is refused above 85 %: free space or add some/);
    expect(code).to.equal(1);
  });

  it('wants the servers to take part that are wanted, no others, and everybody to know it', async () => {
    const asked = (found: unknown, told: unknown): Promise<string> => {
      const files = Object.entries({ plan: { mongodb: { members: [{ name: 'mongodb-1' }] } }, found, told }).map(([name, content]) => {
        writeFileSync(join(folder, name), JSON.stringify(content));
        return join(folder, name);
      });
      return check('members', ...files);
    };
    const part = { wanted: ['mongodb-1'], members: { 'mongodb-1': 'a' } };
    const told = { leaving: [], tiers: { mongodb: part } };
    expect(await asked({ mongodb: { ...part, converged: true, problem: '' } }, told)).to.equal('OK');
    expect(await asked({}, told)).to.include('mongodb does not have its members yet (not looked at)');
    expect(await asked({ mongodb: { ...part, converged: false, problem: 'mongodb-1 does not answer yet' } }, told))
      .to.include('(mongodb-1 does not answer yet): the initialise log');
    expect(await asked({ mongodb: { ...part, wanted: ['mongodb-1', 'mongodb-2'], converged: true } }, told)).to.include('not looked at');
    expect(await asked({ mongodb: { ...part, members: { 'mongodb-1': 'b' }, converged: true } }, told)).to.include('has changed');
    expect(await asked({ mongodb: { ...part, converged: true } }, { ...told, leaving: ['mongodb-2'] })).to.include('not taken away yet: mongodb-2');
  });

  it('wants every member of the cluster, and indexing to keep up', async () => {
    const components = [{ kind: 'ZooKeeper', member: 'zookeeper-1' }];
    const ready = { ready: true, problems: [], components, lag: { oldestMs: 0 } };
    const asked = (status: unknown, wanted: unknown): Promise<string> =>
      check('cluster', program(status), join(folder, 'resilog.json'), plan(wanted));
    const members = ['ZooKeeper zookeeper-1'];
    expect(await asked(ready, { waiting: [], members, external: [] })).to.equal('OK');
    expect(await asked(ready, { waiting: ['solr-1'], members })).to.include('not published yet: solr-1');
    expect(await asked(ready, { waiting: [], members: [...members, 'Producer producer-1'], external: [] }))
      .to.include('not up: Producer producer-1');
    const lacking = { ...ready, ready: false, problems: ['no MongoDB is up'] };
    expect(await asked(lacking, { waiting: [], members, external: [] })).to.include('not ready: no MongoDB is up');
    expect(await asked(lacking, { waiting: [], members, external: ['MongoDB'] })).to.equal('OK');
    expect(await asked({ ...ready, lag: { oldestMs: 3_600_000 } }, { waiting: [], members, external: [] })).to.include('3600 s behind');
  });
});
