import { expect } from 'chai';
import type { Run } from '../support/checkout';
import { freeBasePort } from '../support/free-ports';
import { servers } from '../support/servers';
import { post } from './support/https';
import { sharedNode } from './support/shared-node';
import type { SlaposNode } from './support/slapos-node';

interface Published {
  readonly 'intake-urls': readonly string[];
  readonly certificates: Readonly<Record<string, string>>;
  readonly command: string;
}

const LINES = 1_000;

describe('SlapOS: a cluster over servers that are there already', function () {
  this.timeout(1_800_000);
  let node: SlaposNode;
  let parameters: unknown;
  let published: Published;

  const resilog = (...args: string[]): Promise<Run> => node.run(published.command, args);

  before(async () => {
    node = await sharedNode();
    const { mongodbUrl, zookeeper, solrUrl } = await servers();
    const base = await freeBasePort();
    parameters = {
      'external-zookeeper': zookeeper.map(({ host, port }) => `[${host}]:${port}`),
      'external-mongodb': mongodbUrl, 'external-solr': [solrUrl], chroot: '/slapos',
      producer: { 'base-port': base + 50 }, consumer: { 'base-port': base + 70 },
    };
  });

  it('has a producer and a consumer only', async () => {
    await node.request('external', node.releaseUrl, parameters);
    await node.settle();
    published = (await node.info<Published>('external'))['connection-parameters'];
    expect(node.usedPartitions()).to.have.length(3);
  });

  it('takes lines and finds them', async () => {
    const { key } = JSON.parse((await resilog('source', 'add', 'web3', '--json')).stdout) as { key: string };
    const lines = Array.from({ length: LINES }, (_, index) => `external line ${index}\n`).join('');
    const authority = published.certificates['producer-1'] ?? '';
    expect(await post(`${published['intake-urls'][0] ?? ''}/${key}`, authority, lines)).to.equal(200);
    const { code, stderr } = await resilog('wait', '--idle', '--timeout', '120s');
    expect(code, stderr).to.equal(0);
    expect((await resilog('search', '*', '--source', 'web3', '--count')).stdout.trim()).to.equal(String(LINES));
  });

  it('is destroyed without them', async () => {
    await node.destroy('external', node.releaseUrl, parameters);
    expect([...node.services().values()]).to.deep.equal([]);
  });
});
