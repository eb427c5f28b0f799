import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import { RequestedCluster, parametersFrom } from './support/cluster';
import { clusterBasePort } from './support/ports';
import { sharedNode } from './support/shared-node';
import type { SlaposNode } from './support/slapos-node';
import { Traffic } from './support/traffic';

const COUNTS = { zookeeper: 3, mongodb: 3, solr: 2, producer: 2, consumer: 3 };
/** One of each role, whose partition is lost for a while. */
const LOST = ['zookeeper-2', 'mongodb-1', 'solr-1', 'producer-1', 'consumer-1'];
/** The longest that nothing may be taken while one of each server is lost. */
const GAP_MS = 10_000;
/** How long a member is missed: longer than sessions of ZooKeeper and elections of mongod last, and than `GAP_MS`. */
const MISSED_MS = 15_000;

describe('SlapOS: a cluster of several of each', function () {
  this.timeout(2_400_000);
  let node: SlaposNode;
  let cluster: RequestedCluster;
  let key = '';
  let acknowledged = 0;

  before(async () => {
    node = await sharedNode();
    cluster = new RequestedCluster(node, 'tiers', parametersFrom(await clusterBasePort(), COUNTS));
  });

  it('comes of one request, and is fault tolerant', async () => {
    await cluster.request();
    await cluster.settle();
    expect(cluster.published['fault-tolerant']).to.equal(true);
    expect(cluster.published.zookeeper.split(',')).to.have.length(3);
    const { code, stdout, stderr } = await cluster.resilog('status');
    expect(code, stderr).to.equal(0);
    for (const name of ['zookeeper-3', 'mongodb-3', 'solr-2', 'producer-2', 'consumer-3']) expect(stdout).to.include(name);
  });

  it('takes lines through each producer', async () => {
    key = await cluster.addSource('tiers');
    for (const producer of [1, 2, 1, 2]) {
      expect(await cluster.post(producer, key, `line ${acknowledged}\n`)).to.equal(200);
      acknowledged += 1;
    }
    expect(await cluster.countLines('tiers')).to.equal(acknowledged);
  });

  for (const member of LOST) {
    it(`goes on when the processes of ${member} are killed and when its partition is stopped, and it catches up`, async () => {
      const partition = cluster.partitionOf(member);
      const traffic = new Traffic(cluster, key, member);
      node.killAll(partition);
      await sleep(MISSED_MS);
      await node.settle();
      expect((await node.slapos('node', 'stop', `${partition}:*`)).code).to.equal(0);
      await sleep(MISSED_MS);
      expect((await node.slapos('node', 'start', `${partition}:*`)).code).to.equal(0);
      await node.settle();
      acknowledged += await traffic.stop();
      process.stdout.write(`    longest time without a request that was taken: ${traffic.gapMs} ms\n`);
      expect(await cluster.countLines('tiers')).to.equal(acknowledged);
      expect(traffic.gapMs).to.be.at.most(GAP_MS);
    });
  }

  it('leaves nothing when it is destroyed', async () => {
    await cluster.destroy();
    expect([...node.services().values()]).to.deep.equal([]);
  });
});
