import { expect } from 'chai';
import { systemClock } from '../../../src/clock';
import { UnavailableError } from '../../../src/errors';
import { onlyFor, prepareSolrRegistry } from '../../../src/process/solr-registry';
import type { Coordination } from '../../../src/registry/coordination';
import { MemoryCoordinationServer } from '../../../src/registry/memory-coordination';

describe('what SolrCloud\'s nodes find when they start', () => {
  let tree: Coordination;

  const prepare = (security: string, https = true, coordination = tree): Promise<void> =>
    prepareSolrRegistry({ coordination, clock: systemClock, security, https, timeoutMs: 0 });
  const text = async (path: string): Promise<string> => (await tree.get(path))?.data.toString('utf8') ?? '';

  beforeEach(() => { tree = new MemoryCoordinationServer({ clock: systemClock }).connect(); });
  afterEach(() => tree.close());

  it('is made once and changed only when something else is wanted', async () => {
    await prepare('{"a": 1}');
    expect(await text('/security.json')).to.equal('{"a": 1}');
    expect(JSON.parse(await text('/clusterprops.json'))).to.deep.equal({ urlScheme: 'https' });
    await prepare('{"a": 1}');
    expect((await tree.get('/security.json'))?.stat.version).to.equal(0);
    expect((await tree.get('/clusterprops.json'))?.stat.version).to.equal(0);
    await prepare('{"a": 2}');
    expect(await text('/security.json')).to.equal('{"a": 2}');
  });

  it('keeps the cluster\'s other properties', async () => {
    await tree.create('/clusterprops.json', Buffer.from('{"maxCoresPerNode": "5"}'));
    await prepare('{}', false);
    expect(JSON.parse(await text('/clusterprops.json'))).to.deep.equal({ maxCoresPerNode: '5', urlScheme: 'http' });
  });

  it('may be prepared by several nodes at once', async () => {
    await Promise.all([prepare('{"a": 1}'), prepare('{"a": 1}')].map((one) => one.catch(() => prepare('{"a": 1}'))));
    expect(await text('/security.json')).to.equal('{"a": 1}');
  });

  it('says that ZooKeeper does not answer', async () => {
    const away = Object.assign(Object.create(tree) as Coordination, {
      ensure: () => Promise.reject(new UnavailableError('ZooKeeper is out of reach')),
    });
    expect(await prepare('{}', true, away).catch((error: unknown) => error)).to.be.instanceOf(UnavailableError);
  });

  it('is for one identity alone', () => {
    expect(onlyFor('solr:x')('/any')).to.deep.equal([
      { identity: 'solr:x', access: ['read', 'write', 'create', 'delete', 'admin'] }]);
  });
});
