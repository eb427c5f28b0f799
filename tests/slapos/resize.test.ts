import { expect } from 'chai';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../src/clock';
import { createSolrClient } from '../../src/index/solr-client';
import { parseCredentials } from '../../src/server-access';
import { derivedSecrets } from '../support/derived-secrets';
import { RequestedCluster, parametersFrom } from './support/cluster';
import { clusterBasePort } from './support/ports';
import { startedProcesses } from './support/processes';
import { sharedNode } from './support/shared-node';
import { readText, type SlaposNode } from './support/slapos-node';
import { Traffic } from './support/traffic';

/** Servers are started, given what the others have, and only then counted. */
const PASSES = 60;

describe('SlapOS: a cluster that grows and shrinks while lines flow', function () {
  this.timeout(2_400_000);
  let node: SlaposNode;
  let cluster: RequestedCluster;
  let base = 0;
  let traffic: Traffic | undefined;

  const settled = async (counts: Readonly<Record<string, number>>): Promise<void> => {
    await cluster.change(Object.fromEntries(Object.entries(counts).map(([tier, count]) => [tier, { count }])));
    await cluster.settle(PASSES);
    for (let pass = 0; pass < 2; pass += 1) await node.slapos('node', 'report');
  };
  const members = async (tier: string): Promise<string[]> => {
    const { stdout } = await cluster.resilog('status', '--json');
    const { components } = JSON.parse(stdout) as { components: { member: string }[] };
    return components.map(({ member }) => member).filter((member) => member.startsWith(`${tier}-`)).sort();
  };
  /** Who takes part, as the servers themselves have said. */
  const takingPart = (tier: string): string[] => Object.keys(cluster.published['taking-part'][tier]?.members ?? {}).sort();

  before(async () => {
    node = await sharedNode();
    base = await clusterBasePort();
    cluster = new RequestedCluster(node, 'resized', parametersFrom(base));
    await cluster.change({ solr: { replicas: 2 } });
    await cluster.settle(PASSES);
    traffic = new Traffic(cluster, await cluster.addSource('resized'), 'resized');
  });
  after(async () => { await traffic?.stop(); });

  // With each kind of server the processes that only come and go.
  for (const [tier, companion] of [['mongodb', 'consumer'], ['zookeeper', 'producer']] as const) {
    it(`has three of ${tier} instead of one, all of which take part, and three of ${companion}`, async () => {
      const before = longRunning(node);
      await settled({ [tier]: 3, [companion]: 3 });
      expect(takingPart(tier)).to.deep.equal([1, 2, 3].map((index) => `${tier}-${index}`));
      for (const name of [tier, companion]) {
        expect(await members(name)).to.deep.equal([1, 2, 3].map((index) => `${name}-${index}`));
      }
      expect(longRunning(node)).to.include.members(before);
    });

    it(`has one of ${tier} again, after the others were taken out, and one of ${companion}`, async () => {
      await settled({ [tier]: 1, [companion]: 1 });
      expect(takingPart(tier)).to.deep.equal([`${tier}-1`]);
      for (const name of [tier, companion]) {
        expect(cluster.published.counts[name]).to.equal(1);
        expect(await members(name)).to.deep.equal([`${name}-1`]);
      }
    });
  }

  it('has two nodes of Solr with a copy each, and one again', async () => {
    await settled({ solr: 2 });
    expect(await copies()).to.deep.equal(['active', 'active']);
    await settled({ solr: 1 });
    expect(await copies()).to.deep.equal(['active']);
  });

  it('has lost no acknowledged line, and has each of them once', async () => {
    const lines = await traffic?.stop();
    expect(cluster.published['intake-urls']).to.have.length(1);
    expect(await cluster.countLines('resized')).to.equal(lines);
  });

  it('has restarted nobody, and kept nobody waiting for the turn of somebody who did not restart', () => {
    for (const partition of node.usedPartitions()) {
      const log = join(node.partition(partition), 'var', 'log', 'turn-output.log');
      expect(existsSync(log) ? readText(log) : '', partition).to.equal('');
    }
  });

  it('is left alone by further runs of slapgrid', async () => {
    expect((await node.instance('--all')).code).to.equal(0);
    const before = longRunning(node);
    for (let pass = 0; pass < 2; pass += 1) expect((await node.instance('--all')).code).to.equal(0);
    expect(longRunning(node)).to.deep.equal(before);
  });

  it('leaves nothing when it is destroyed', async () => {
    await cluster.destroy();
    expect([...node.services().values()]).to.deep.equal([]);
  });

  /** States of all copies of the index, as Solr has them. */
  async function copies(): Promise<string[]> {
    const { options } = await derivedSecrets(cluster.published['admin-secret']);
    const credentials = parseCredentials(options.admin.solr ?? '');
    if (credentials === undefined) throw new Error('the administrator has no password for Solr');
    const client = createSolrClient({
      baseUrls: () => [`https://[::1]:${base + 41}/solr`], clock: systemClock,
      access: { credentials, authority: cluster.published['server-certificates'].authority ?? '' },
    });
    const answer = client.request({ path: '/admin/collections', query: { action: 'CLUSTERSTATUS' }, effect: 'read' });
    const answered: unknown = await answer.finally(() => client.close());
    const { cluster: { collections } } = answered as { cluster: { collections: Record<string, {
      shards: Record<string, { replicas: Record<string, { state: string }> }>;
    }>; }; };
    return Object.values(collections).flatMap(({ shards }) => Object.values(shards))
      .flatMap(({ replicas }) => Object.values(replicas).map(({ state }) => state)).sort();
  }
});

/** Servers and processes of ours. */
function longRunning(node: SlaposNode): string[] {
  return startedProcesses(node, (command) => /bin\/(mongod|java) |process\.json/.test(command) && !command.includes(' launch '));
}
