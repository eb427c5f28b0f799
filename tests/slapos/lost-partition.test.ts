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
  readonly 'taking-part': Readonly<Record<string, { readonly members: Readonly<Record<string, string>> }>>;
}

const QUICK_JAVA = '-XX:TieredStopAtLevel=1';
/** One of each role; of ZooKeeper the first one, whose address every process was started with. */
const LOST = ['mongodb-2', 'zookeeper-1', 'solr-1', 'producer-1', 'consumer-2'];
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
  after(async () => {
    await traffic?.stop();
    await node?.giveBackLost();
  });

  it('of each role at once, as when a computer dies, is made elsewhere, empty, and takes part again', async () => {
    const former = new Map<string, string>();
    for (const member of LOST) former.set(member, await node.partitionOf(member));
    const { incarnations } = published;
    const linesBefore = traffic?.lines ?? 0;
    for (const partition of former.values()) await node.lose(partition);
    for (const partition of former.values()) expect(node.usedPartitions()).not.to.include(partition);
    // A run after which no promise failed leaves the root alone at first; SlapOS processes everything now and then.
    await node.instance('--all');
    await settled();
    for (const [member, partition] of former) expect(await node.partitionOf(member), member).not.to.equal(partition);
    const changed = Object.keys(incarnations).filter((name) => incarnations[name] !== published.incarnations[name]);
    expect(changed.sort()).to.deep.equal(['mongodb-2', 'zookeeper-1']);
    for (const [tier, count] of [['mongodb', 3], ['zookeeper', 3], ['solr', 2]] as const) {
      const names = Array.from({ length: count }, (_, index) => `${tier}-${index + 1}`);
      expect(published['taking-part'][tier]?.members).to.have.all.keys(names);
    }
    for (const [name, incarnation] of Object.entries(published.incarnations)) {
      expect(published['taking-part'][name.split('-')[0] ?? '']?.members[name], name).to.equal(incarnation);
    }
    expect(traffic?.lines).to.be.above(linesBefore);
  });

  it('leaves a cluster that has all its members', async () => {
    const { code, stdout, stderr } = await resilog('status');
    expect(code, stdout + stderr).to.equal(0);
    for (const member of LOST) expect(stdout).to.include(member);
  });

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
