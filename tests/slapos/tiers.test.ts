import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Run } from '../support/checkout';
import { post } from './support/https';
import { clusterBasePort } from './support/ports';
import { sharedNode } from './support/shared-node';
import type { SlaposNode } from './support/slapos-node';

interface Published {
  readonly 'intake-urls': readonly string[];
  readonly certificates: Readonly<Record<string, string>>;
  readonly command: string;
  readonly 'fault-tolerant': boolean;
  readonly zookeeper: string;
}

const QUICK_JAVA = '-XX:TieredStopAtLevel=1';
const LINES_A_REQUEST = 500;
const RETRY_MS = 500;
/** The longest that nothing may be taken while one of each server is lost. */
const GAP_MS = 10_000;

describe('SlapOS: a cluster of several of each', function () {
  this.timeout(2_400_000);
  let node: SlaposNode;
  let parameters: Record<string, Record<string, unknown>> = {};
  let published: Published;
  let key = '';
  let acknowledged = 0;

  const resilog = (...args: string[]): Promise<Run> => node.run(published.command, args);
  const settled = async (changed: Record<string, Record<string, unknown>>): Promise<void> => {
    parameters = { ...parameters, ...changed };
    await node.request('tiers', node.releaseUrl, parameters);
    await node.settle();
    published = (await node.info<Published>('tiers'))['connection-parameters'];
  };
  const send = async (producer: number): Promise<number> => {
    const lines = Array.from({ length: LINES_A_REQUEST }, (_, index) => `tier line ${acknowledged + index}\n`).join('');
    const authority = published.certificates[`producer-${producer}`] ?? '';
    const status = await post(`${published['intake-urls'][producer - 1] ?? ''}/${key}`, authority, lines);
    if (status === 200) acknowledged += LINES_A_REQUEST;
    return status;
  };
  const expectAllFound = async (): Promise<void> => {
    const { code, stderr } = await resilog('wait', '--idle', '--timeout', '180s');
    expect(code, stderr).to.equal(0);
    expect((await resilog('search', '*', '--source', 'web2', '--count')).stdout.trim()).to.equal(String(acknowledged));
  };
  /** The partition that runs this member, by the name that its launcher or process was given. */
  const partitionOf = async (member: string): Promise<string> => {
    const { stdout } = await node.run('sh', ['-c', `grep -l -- '${member}' ${node.partition('*')}/etc/resilog/run ${
      node.partition('*')}/etc/resilog/process.json`]);
    return /slappart\d+/.exec(stdout)?.[0] ?? '';
  };

  before(async () => {
    node = await sharedNode();
    const base = await clusterBasePort();
    parameters = {
      zookeeper: { 'base-port': base, count: 3, 'java-options': QUICK_JAVA },
      mongodb: { 'base-port': base + 30, count: 3 },
      solr: { 'base-port': base + 40, count: 2, replicas: 2, 'java-options': QUICK_JAVA },
      producer: { 'base-port': base + 50, count: 2 },
      consumer: { 'base-port': base + 70, count: 2 },
    };
  });

  it('comes of one request, and is fault tolerant', async () => {
    await settled({});
    expect(published['fault-tolerant']).to.equal(true);
    expect(published.zookeeper.split(',')).to.have.length(3);
    const { code, stdout, stderr } = await resilog('status');
    expect(code, stderr).to.equal(0);
    for (const name of ['zookeeper-3', 'mongodb-3', 'solr-2', 'producer-2', 'consumer-2']) expect(stdout).to.include(name);
  });

  it('takes lines through each producer', async () => {
    key = (JSON.parse((await resilog('source', 'add', 'web2', '--json')).stdout) as { key: string }).key;
    for (const producer of [1, 2, 1, 2]) expect(await send(producer)).to.equal(200);
    await expectAllFound();
  });

  for (const member of ['zookeeper-2', 'mongodb-2', 'solr-1', 'consumer-1']) {
    it(`goes on without the partition of ${member}, which catches up`, async () => {
      const partition = await partitionOf(member);
      await node.slapos('node', 'stop', `${partition}:*`);
      let lastMs = Date.now();
      let gapMs = 0;
      for (let request = 0; request < 6; request += 1) {
        while (await send(1) !== 200) await sleep(RETRY_MS);
        gapMs = Math.max(gapMs, Date.now() - lastMs);
        lastMs = Date.now();
      }
      expect(gapMs).to.be.below(GAP_MS);
      await node.slapos('node', 'start', `${partition}:*`);
      await node.settle();
      await expectAllFound();
    });
  }

  it('grows by a consumer and a producer, and shrinks again', async () => {
    await settled({ consumer: { ...parameters.consumer, count: 3 }, producer: { ...parameters.producer, count: 3 } });
    expect((await resilog('status')).stdout).to.include('consumer-3').and.include('producer-3');
    expect(await send(3)).to.equal(200);
    await settled({ consumer: { ...parameters.consumer, count: 1 }, producer: { ...parameters.producer, count: 1 } });
    for (let pass = 0; pass < 2; pass += 1) await node.slapos('node', 'report');
    expect((await resilog('status')).stdout).not.to.match(/consumer-[23]|producer-[23]/);
    expect(published['intake-urls']).to.have.length(1);
    expect(await send(1)).to.equal(200);
    await expectAllFound();
  });

  it('leaves nothing when it is destroyed', async () => {
    await node.destroy('tiers', node.releaseUrl, parameters);
    expect([...node.services().values()]).to.deep.equal([]);
  });
});
