import { expect } from 'chai';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RequestedCluster, parametersFrom } from './support/cluster';
import { clusterBasePort } from './support/ports';
import { sharedNode } from './support/shared-node';
import type { SlaposNode } from './support/slapos-node';

const RECOVERY_MS = 120_000;

/** Each promise fails for the reason that it is there for, and names the remedy, when slapgrid asks it. */
describe('SlapOS: promises', function () {
  this.timeout(1_800_000);
  let node: SlaposNode;
  let cluster: RequestedCluster;

  /** What slapgrid says of the promise in the partition of this member; empty when it passes. */
  const asked = async (member: string, promise: string): Promise<string> => {
    const failed = await node.promises(cluster.partitionOf(member));
    return failed.find((text) => text.startsWith(`${promise}.py: `)) ?? '';
  };
  const until = async (member: string, promise: string, expected: RegExp): Promise<void> => {
    const deadline = Date.now() + RECOVERY_MS;
    let said = await asked(member, promise);
    while (!expected.test(said) && Date.now() < deadline) {
      await sleep(1_000);
      said = await asked(member, promise);
    }
    expect(said).to.match(expected);
  };
  const services = async (action: 'stop' | 'start', ...members: string[]): Promise<void> => {
    const groups = members.map((member) => `${cluster.partitionOf(member)}:*`);
    expect((await node.slapos('node', action, ...groups)).code).to.equal(0);
  };
  const processOf = (member: string, program: RegExp): number => {
    const partition = join(node.partition(cluster.partitionOf(member)), '/');
    const found = [...node.services()].find(([, command]) => command.includes(partition) && program.test(command));
    if (found === undefined) throw new Error(`${member} does not run`);
    return found[0];
  };
  const root = (): string => /slappart\d+/.exec(cluster.published.command)?.[0] ?? '';

  before(async () => {
    node = await sharedNode();
    cluster = new RequestedCluster(node, 'promises', parametersFrom(await clusterBasePort(), { zookeeper: 3 }));
    await cluster.start();
  });

  after(async () => { await cluster.destroy(); });

  it('all pass at first', async () => {
    expect(await node.promises()).to.deep.equal([]);
  });

  it('promise-zookeeper: a member that is left alone is in no quorum', async () => {
    await services('stop', 'zookeeper-2', 'zookeeper-3');
    await until('zookeeper-1', 'promise-zookeeper', /is in no quorum: start the other members; its logs are in var\/log/);
    expect(await asked('zookeeper-2', 'promise-zookeeper')).to.match(/nothing listens on \[::1\]:\d+: it did not start; its logs/);
  });

  it('promise-solr: a node without its ensemble is not healthy', async () => {
    await until('solr-1', 'promise-solr', /is not healthy or has a replica that is not active .*its logs are in var\/log/);
  });

  it('pass again when the ensemble is back', async () => {
    await services('start', 'zookeeper-2', 'zookeeper-3');
    for (const member of ['zookeeper-1', 'zookeeper-2']) await until(member, 'promise-zookeeper', /^$/);
    await until('solr-1', 'promise-solr', /^$/);
  });

  it('promise-mongodb, promise-producer: a mongod that is away is missed by its promise and by the producer\'s', async () => {
    await services('stop', 'mongodb-1');
    await until('mongodb-1', 'promise-mongodb', /is unreachable, neither primary nor secondary: its logs are in var\/log/);
    await until('producer-1', 'promise-producer', /is not ready .*volume main does not answer.*mend the component that it names/);
    await services('start', 'mongodb-1');
    await until('mongodb-1', 'promise-mongodb', /^$/);
    await until('producer-1', 'promise-producer', /^$/);
  });

  it('promise-consumer, promise-cluster: a consumer that hangs does not answer, and is not up', async () => {
    const pid = processOf('consumer-1', /process\.json consumer$/);
    process.kill(pid, 'SIGSTOP');
    try {
      await until('consumer-1', 'promise-consumer', /consumer ::1 \d+: timed out; its logs are in var\/log/);
      const deadline = Date.now() + RECOVERY_MS;
      let said: string[] = [];
      while (!said.join().includes('not up: Consumer consumer-1') && Date.now() < deadline) said = await node.promises(root());
      expect(said.join()).to.match(/promise-cluster\.py: .*not up: Consumer consumer-1; their own promises say why/);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await until('consumer-1', 'promise-consumer', /^$/);
  });

  it('promise-certificate: another certificate is published when slapgrid goes over all partitions', async () => {
    rmSync(join(node.partition(cluster.partitionOf('producer-1')), 'srv', 'producer'), { recursive: true });
    process.kill(processOf('producer-1', /process\.json producer$/), 'SIGTERM');
    await until('producer-1', 'promise-certificate', /is not published yet: "slapos node instance --all" does it/);
    // The producer's partition publishes it, then the root's.
    for (let pass = 0; pass < 2; pass += 1) await node.instance('--all');
    await cluster.settle();
    expect(await asked('producer-1', 'promise-certificate')).to.equal('');
    const key = await cluster.addSource('renewed');
    expect(await cluster.post(1, key, 'a line\n')).to.equal(200);
  });

  it('make slapgrid\'s run fail, which names them', async () => {
    process.kill(processOf('consumer-1', /process\.json consumer$/), 'SIGSTOP');
    const { code, stderr } = await node.instance('--all');
    process.kill(processOf('consumer-1', /process\.json consumer$/), 'SIGCONT');
    expect(code).not.to.equal(0);
    expect(stderr).to.include("Promise 'promise-consumer.py' failed");
    await cluster.settle();
  });
});
