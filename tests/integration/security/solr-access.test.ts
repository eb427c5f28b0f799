import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../../src/clock';
import { PermissionError, UnavailableError } from '../../../src/errors';
import { createSolrClient, type SolrAnswer, type SolrRequest } from '../../../src/index/solr-client';
import { collectionStatus, prepareCollection } from '../../../src/index/solr-cluster';
import { silentLog } from '../../../src/log';
import { systemRandom } from '../../../src/random';
import type { Coordination } from '../../../src/registry/coordination';
import { connectZooKeeper } from '../../../src/registry/zookeeper-coordination';
import type { ServerAccess } from '../../../src/server-access';
import { checkout } from '../../support/checkout';
import { SecuredSolr } from '../../support/secured-solr';
import { serverTls } from '../../support/secured-servers';

const COLLECTION = 'guarded';
const SELECT: SolrRequest = { path: `/${COLLECTION}/select`, query: { q: '*:*', wt: 'json' }, effect: 'read' };
const SECURITY: SolrRequest = { path: '/admin/authentication', effect: 'read' };

describe('SolrCloud that asks for passwords and speaks HTTPS', function () {
  this.timeout(240_000);
  let solr: SecuredSolr;

  const ask = async (request: SolrRequest, access: ServerAccess | undefined, urls = solr.urls): Promise<SolrAnswer> => {
    const client = createSolrClient({ baseUrls: () => urls, clock: systemClock, ...(access && { access }) });
    try {
      return await client.request(request);
    } finally {
      await client.close();
    }
  };
  const refusalOf = (request: SolrRequest, access: ServerAccess | undefined, urls = solr.urls): Promise<unknown> =>
    ask(request, access, urls).then(() => 'let in', (error: unknown) => error);
  const inRegistry = async <T>(
    credentials: string | undefined, use: (tree: Coordination) => Promise<T>,
  ): Promise<T> => {
    const tree = connectZooKeeper({
      servers: [{ host: '::1', port: solr.zookeeper.port }], chroot: '/solr', clock: systemClock, random: systemRandom,
      log: silentLog, ...(credentials === undefined ? {} : { credentials }),
    });
    try {
      return await use(tree);
    } finally {
      await tree.close();
    }
  };

  before(async () => { solr = await SecuredSolr.start(2); });
  after(() => solr.remove());

  it('lets a consumer make a collection over two nodes, index into it, and search it through each', async () => {
    const access = solr.access('consumer');
    const client = createSolrClient({ baseUrls: () => solr.urls, clock: systemClock, access });
    try {
      await prepareCollection(COLLECTION, {
        client, clock: systemClock, configsetFolder: join(checkout, 'solr', 'resilog'), shards: 2, replicas: 2,
      });
      const status = await collectionStatus(client, COLLECTION);
      const urls = status?.shards.flatMap(({ replicas }) => replicas.map(({ baseUrl }) => baseUrl)) ?? [];
      expect(new Set(urls)).to.deep.equal(new Set(solr.urls));
    } finally {
      await client.close();
    }
    const documents = Array.from({ length: 40 }, (_, line) => ({ id: `f!${line}x`, fileID: 'f', line }));
    const data = JSON.stringify(documents);
    await ask({
      path: `/${COLLECTION}/update`, query: { commit: 'true', wt: 'json' }, effect: 'write', body: { type: 'application/json', data },
    }, access);
    for (const url of solr.urls) {
      const { response } = await ask(SELECT, access, [url]) as { response: { numFound: number } };
      expect(response.numFound).to.equal(documents.length);
    }
  });

  it('lets nobody but an administrator see or change users', async () => {
    expect(await ask(SECURITY, solr.access('admin'))).to.have.property('authentication.enabled', true);
    expect(await refusalOf(SECURITY, solr.access('consumer'))).to.be.instanceOf(PermissionError);
    expect(await refusalOf({ ...SECURITY, body: { type: 'application/json', data: '{"set-user": {"x": "y"}}' }, effect: 'write' },
      solr.access('consumer'))).to.be.instanceOf(PermissionError);
  });

  it('lets a launcher ask how it is, and see no line', async () => {
    await ask({ path: '/admin/info/health', effect: 'read' }, solr.access('launcher'));
    expect(await refusalOf(SELECT, solr.access('launcher'))).to.be.instanceOf(PermissionError);
  });

  it('refuses who has no password, or a wrong one', async () => {
    const { authority } = solr;
    expect(await refusalOf(SELECT, { authority })).to.be.instanceOf(PermissionError);
    const wrong = { authority, credentials: { user: 'admin', password: 'wrong' } };
    expect(await refusalOf(SELECT, wrong)).to.be.instanceOf(PermissionError);
  });

  it('is not trusted by who trusts another authority, or none', async () => {
    const { authority } = await serverTls({ secret: 'another cluster' });
    const { credentials } = solr.access('admin');
    for (const access of [{ ...solr.access('admin'), authority }, { credentials: credentials! }]) {
      const refusal = await refusalOf(SELECT, access);
      expect(refusal).to.be.instanceOf(UnavailableError);
      expect(String(refusal)).to.match(/certificate|signature/);
    }
  });

  it('answers nobody who does not speak TLS', async () => {
    const plain = solr.urls.map((url) => url.replace('https:', 'http:'));
    expect(await refusalOf(SELECT, solr.access('admin'), plain)).to.be.instanceOf(UnavailableError);
  });

  it('has its part of ZooKeeper\'s tree for itself', async () => {
    const told = solr.secrets.options.solr['solr-zookeeper'];
    expect(await inRegistry(told, (tree) => tree.children('/'))).to.include.members(['security.json', 'collections', 'configs']);
    for (const stranger of [undefined, 'solr:wrong', solr.secrets.options.zookeeper.zookeeper]) {
      await inRegistry(stranger, async (tree) => {
        for (const attempt of [
          tree.get('/security.json'), tree.children('/configs'), tree.get(`/collections/${COLLECTION}/state.json`),
          tree.create('/live_nodes/x', Buffer.alloc(0)), tree.set('/clusterprops.json', Buffer.from('{}')),
        ]) {
          expect(await attempt.then(() => 'let in', (error: unknown) => error)).to.be.instanceOf(PermissionError);
        }
      });
    }
  });

  it('has no password in its command line', () => {
    const { options } = solr.secrets;
    const passwords = [options.admin.solr, options.consumer.solr, options.solr.solr, options.solr['solr-zookeeper']]
      .map((credentials) => credentials?.split(':')[1] ?? '');
    for (const pid of solr.pids) {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      expect(line).to.include('XmlConfiguration').and.not.match(/[Pp]assword=/);
      for (const password of passwords) expect(line).not.to.include(password);
    }
  });
});
