import { expect } from 'chai';
import { RequestedCluster, parametersFrom } from './support/cluster';
import { clusterBasePort } from './support/ports';
import { sharedNode } from './support/shared-node';
import type { SlaposNode } from './support/slapos-node';
import { Traffic } from './support/traffic';

const COUNTS = { zookeeper: 3, mongodb: 3, solr: 2, producer: 2, consumer: 2 };
/** One of each role; of ZooKeeper the first one, whose address every process was started with. */
const LOST = ['mongodb-2', 'zookeeper-1', 'solr-1', 'producer-1', 'consumer-2'];
/** Servers are started, given what the others have, and only then counted. */
const PASSES = 60;

describe('SlapOS: a partition that is lost for good', function () {
  this.timeout(2_400_000);
  let node: SlaposNode;
  let cluster: RequestedCluster;
  let traffic: Traffic | undefined;

  before(async () => {
    node = await sharedNode();
    cluster = new RequestedCluster(node, 'lossy', parametersFrom(await clusterBasePort(), COUNTS));
    await cluster.request();
    await cluster.settle(PASSES);
    traffic = new Traffic(cluster, await cluster.addSource('lossy'), 'lossy');
  });
  after(async () => {
    await traffic?.stop();
    await node?.giveBackLost();
  });

  it('of each role at once, as when a computer dies, is made elsewhere, empty, and takes part again', async () => {
    const former = new Map(LOST.map((member) => [member, cluster.partitionOf(member)]));
    const { incarnations } = cluster.published;
    const linesBefore = traffic?.lines ?? 0;
    for (const partition of former.values()) await node.lose(partition);
    for (const partition of former.values()) expect(node.usedPartitions()).not.to.include(partition);
    // A run after which no promise failed leaves the root alone at first; SlapOS processes everything now and then.
    await node.instance('--all');
    await cluster.settle(PASSES);
    for (const [member, partition] of former) expect(cluster.partitionOf(member), member).not.to.equal(partition);
    const { published } = cluster;
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
    const { code, stdout, stderr } = await cluster.resilog('status');
    expect(code, stdout + stderr).to.equal(0);
    for (const member of LOST) expect(stdout).to.include(member);
  });

  it('costs no acknowledged line, and each of them is found once', async () => {
    const lines = await traffic?.stop();
    expect(await cluster.countLines('lossy')).to.equal(lines);
  });

  it('leaves nothing when the cluster is destroyed', async () => {
    await cluster.destroy();
    expect([...node.services().values()]).to.deep.equal([]);
  });
});
