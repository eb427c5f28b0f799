import { expect } from 'chai';
import type { Run } from '../support/checkout';
import { freeBasePort } from '../support/free-ports';
import { sharedNode } from './support/shared-node';
import type { SlaposNode } from './support/slapos-node';
import { Traffic } from './support/traffic';

interface Published {
  readonly 'intake-urls': readonly string[];
  readonly certificates: Readonly<Record<string, string>>;
  readonly command: string;
  readonly incarnations: Readonly<Record<string, string>>;
}

const QUICK_JAVA = '-XX:TieredStopAtLevel=1';
/** Servers are started, given what the others have, and only then counted. */
const PASSES = 60;

describe('SlapOS: a partition that is lost for good', function () {
  this.timeout(2_400_000);
  let node: SlaposNode;
  let parameters: Record<string, Record<string, unknown>> = {};
  let published: Published;
  let traffic: Traffic | undefined;

  const resilog = (...args: string[]): Promise<Run> => node.run(published.command, args);
  const settled = async (): Promise<void> => {
    await node.settle(PASSES);
    published = (await node.info<Published>('lossy'))['connection-parameters'];
  };

  before(async () => {
    node = await sharedNode();
    const base = await freeBasePort();
    parameters = {
      zookeeper: { 'base-port': base, count: 3, 'java-options': QUICK_JAVA },
      mongodb: { 'base-port': base + 30, count: 3 },
      solr: { 'base-port': base + 40, count: 2, replicas: 2, 'java-options': QUICK_JAVA },
      producer: { 'base-port': base + 50, count: 2 },
      consumer: { 'base-port': base + 70, count: 2 },
    };
    await node.request('lossy', node.releaseUrl, parameters);
    await settled();
    const { key } = JSON.parse((await resilog('source', 'add', 'web4', '--json')).stdout) as { key: string };
    traffic = new Traffic(() => published['intake-urls'].map((url, index) =>
      ({ url, certificate: published.certificates[`producer-${index + 1}`] ?? '' })), key, 'lossy');
  });
  after(async () => { await traffic?.stop(); });

  for (const member of ['mongodb-2', 'zookeeper-1', 'solr-1', 'producer-1', 'consumer-2']) {
    it(`${member} is placed elsewhere, empty, and takes part again`, async () => {
      const former = await node.partitionOf(member);
      const { incarnations } = published;
      await node.lose(former);
      expect(node.usedPartitions()).not.to.include(former);
      await settled();
      const partition = await node.partitionOf(member);
      expect(partition).not.to.equal(former);
      const { code, stdout, stderr } = await resilog('status');
      expect(code, stdout + stderr).to.equal(0);
      expect(stdout).to.include(member);
      const changed = Object.keys(incarnations).filter((name) => incarnations[name] !== published.incarnations[name]);
      expect(changed).to.deep.equal(member in incarnations ? [member] : []);
    });
  }

  it('costs no acknowledged line, and each of them is found once', async () => {
    const lines = await traffic?.stop();
    const { code, stderr } = await resilog('wait', '--idle', '--timeout', '180s');
    expect(code, stderr).to.equal(0);
    expect(Number((await resilog('search', '*', '--source', 'web4', '--count')).stdout)).to.equal(lines);
  });

  it('leaves nothing when the cluster is destroyed', async () => {
    await node.destroy('lossy', node.releaseUrl, parameters);
    expect([...node.services().values()]).to.deep.equal([]);
  });
});
