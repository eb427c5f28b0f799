import { expect } from 'chai';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MongodbConnection } from '../../src/archive/mongodb-connection';
import { systemClock } from '../../src/clock';
import { createSolrClient } from '../../src/index/solr-client';
import { SecuredMongod, serverTls } from '../support/secured-servers';
import { SecuredSolr } from '../support/secured-solr';
import { RequestedCluster, parametersFrom } from './support/cluster';
import { clusterBasePort } from './support/ports';
import { sharedNode } from './support/shared-node';
import { readText, type SlaposNode } from './support/slapos-node';

const LINES = 2_000;
/** With all that means something in an address, in a profile or in a shell. */
const PASSWORD = 'p@ss/w:rd %41${x} $(id) {{ y }} "\\';
const TOLD_MS = 120_000;
const LINE_COLLECTION = 'resilog';

/** A cluster of producers and consumers only; servers that no slapgrid knows of, with passwords and TLS. */
describe('SlapOS: servers that are there already', function () {
  this.timeout(1_800_000);
  let node: SlaposNode;
  let mongod: SecuredMongod;
  let solr: SecuredSolr;
  let cluster: RequestedCluster;

  const secrets = (): string[] => [PASSWORD, encodeURIComponent(PASSWORD), solr.access('consumer').credentials?.password ?? ''];
  const promise = async (member: string): Promise<string> =>
    (await node.promises(cluster.partitionOf(member))).find((text) => text.startsWith(`promise-${member.split('-')[0] ?? ''}.py: `)) ?? '';
  const until = async (member: string, expected: RegExp): Promise<void> => {
    const deadline = Date.now() + TOLD_MS;
    let said = await promise(member);
    while (!expected.test(said) && Date.now() < deadline) {
      await sleep(1_000);
      said = await promise(member);
    }
    expect(said).to.match(expected);
  };
  const indexed = async (): Promise<number> => {
    const client = createSolrClient({ baseUrls: () => solr.urls, clock: systemClock, access: solr.access('consumer') });
    try {
      const { response } = await client.request({
        path: `/${LINE_COLLECTION}/select`, query: { q: '*:*', rows: '0', wt: 'json' }, effect: 'read',
      }) as { response: { numFound: number } };
      return response.numFound;
    } finally {
      await client.close();
    }
  };
  const archivedLines = async (): Promise<number> => {
    const access = { authority: mongod.authority, credentials: { user: 'consumer', password: PASSWORD } };
    const connection = new MongodbConnection({ url: mongod.url, database: 'resilog', clock: systemClock, access });
    try {
      const states = await connection.db.collection<{ _id: string; lines: number }>('states').find().toArray();
      return states.reduce((sum, { lines }) => sum + lines, 0);
    } finally {
      await connection.close();
    }
  };

  before(async () => {
    node = await sharedNode();
    [mongod, solr] = [await SecuredMongod.start(await serverTls()), await SecuredSolr.start(1)];
    await mongod.initiate({ ...mongod.rootAccess, users: [{ user: 'consumer', password: PASSWORD }] });
    const { user = '', password = '' } = solr.access('consumer').credentials ?? {};
    const { producer, consumer } = parametersFrom(await clusterBasePort());
    cluster = new RequestedCluster(node, 'external', {
      producer, consumer,
      'external-zookeeper': [`[::1]:${solr.zookeeper.port}`],
      'external-mongodb': mongod.url.replace('://', `://consumer:${encodeURIComponent(PASSWORD)}@`),
      'external-solr': solr.urls.map((url) => url.replace('://', `://${user}:${password}@`)),
      'external-authority': mongod.authority,
    });
  });

  after(async () => {
    await mongod?.remove();
    await solr?.remove();
  });

  it('are used by a cluster that has a root, producers and consumers only', async () => {
    await cluster.start();
    expect(Object.keys(cluster.published.hosts).sort()).to.deep.equal(['consumer-1', 'producer-1']);
    expect(cluster.published.remark).to.equal('Not fault tolerant: 1 producer, 1 consumer.');
    expect(await node.promises()).to.deep.equal([]);
  });

  it('keep its lines, and each is found', async () => {
    const key = await cluster.addSource('web1');
    const lines = Array.from({ length: LINES }, (_, index) => `external line ${index}\n`);
    expect(await cluster.post(1, key, lines.join(''))).to.equal(200);
    expect(await cluster.countLines('web1')).to.equal(LINES);
    expect(await indexed()).to.equal(LINES);
    expect(await archivedLines()).to.equal(LINES);
  });

  it('have their passwords in files of mode 0600, and in nothing that is published, registered, logged or shown', async () => {
    const all = node.partition('slappart*');
    const shell = async (command: string): Promise<string> => (await node.run('sh', ['-c', command])).stdout;
    const shown = [
      JSON.stringify(cluster.published), (await cluster.resilog('config', 'list', '--json')).stdout,
      await shell('ps -eo args -ww'), await shell(`cat ${all}/.*.log ${all}/var/log/* ${all}/etc/resilog/* ${all}/bin/*`),
    ];
    for (const text of shown) {
      expect(text).not.to.equal('');
      for (const secret of secrets()) expect(text).not.to.include(secret);
    }
    expect(await shell(`cat ${all}/etc/secret/mongodb-credentials`)).to.include(PASSWORD);
    expect((await shell(`stat -c %a ${all}/etc/secret/*`)).trim().split('\n').every((mode) => mode === '600')).to.equal(true);
  });

  it('are not trusted once another authority is named, and again when their own is', async () => {
    const { parameters } = cluster;
    const { authority } = await serverTls({ secret: 'another cluster' });
    cluster.parameters = { ...parameters, 'external-authority': authority };
    await cluster.request();
    for (let pass = 0; pass < 2; pass += 1) await node.instance();
    await until('producer-1', /nothing listens on/);
    expect(readText(join(node.partition(cluster.partitionOf('producer-1')), 'var', 'log', 'producer-output.log')))
      .to.match(/"waitingFor":"MongoDB","reason":"[^"]*certificate/);
    // Nobody follows who has not come back from its restart.
    expect(await promise('consumer-1')).to.equal('');
    const said = await cluster.resilog('search', '*', '--source', 'web1', '--count');
    expect(said.code).not.to.equal(0);
    expect(said.stderr).to.match(/certificate|signature/);
    cluster.parameters = parameters;
    await cluster.start();
    await until('producer-1', /^$/);
    expect(await cluster.countLines('web1')).to.equal(LINES);
  });

  it('keep what they have when the cluster is destroyed', async () => {
    await cluster.destroy();
    expect([...node.services().values()]).to.deep.equal([]);
    expect(await indexed()).to.equal(LINES);
    expect(await archivedLines()).to.equal(LINES);
  });
});
