import { expect } from 'chai';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../src/clock';
import { createSolrClient, type SolrClient } from '../../../src/index/solr-client';
import { readPlacement } from '../../../src/index/solr-placement';
import { converge } from '../../../src/process/members/converge';
import type { WantedServer } from '../../../src/process/members/plan';
import { SolrTier } from '../../../src/process/members/solr-tier';
import { StateFile } from '../../../src/process/members/state';
import { aDocument } from '../../conformance/index/log-index-suite';
import { startCluster, type Cluster } from '../../support/cluster';
import { serversOf } from '../../support/servers';
import { solrFixture, type SolrFixture } from '../../support/solr-collections';

const DOCUMENTS = 500;
const FILE = 'f'.repeat(24);

describe('nodes of SolrCloud', function () {
  this.timeout(400_000);
  let cluster: Cluster;
  let fixture: SolrFixture;
  let client: SolrClient;
  let folder: string;
  let nodes: WantedServer[];
  let collection: string;

  const settle = async (members: readonly WantedServer[], replicas: number, timeoutMs = 180_000): Promise<string> => {
    const urls = members.map(({ address }) => `http://${address ?? ''}/solr`);
    const tier = new SolrTier({ replicas, members }, createSolrClient({ baseUrls: () => urls, clock: systemClock }));
    try {
      const [outcome] = await converge({ tiers: [tier], state: new StateFile(join(folder, 'state.json')), clock: systemClock, timeoutMs });
      return outcome?.problem ?? 'nothing came of it';
    } finally {
      await tier.close();
    }
  };
  /** `shard node` of each active copy. */
  const copies = async (): Promise<string[]> => (await readPlacement(client)).replicas
    .filter((one) => one.collection === collection && one.state === 'active')
    .map(({ shard, node }) => `${shard} ${nodes.find(({ address }) => node === `${address ?? ''}_solr`)?.name ?? node}`).sort();
  const noted = (): string[] => Object.keys(new StateFile(join(folder, 'state.json')).tier('solr')?.members ?? {}).sort();
  const found = async (): Promise<number | undefined> =>
    (await fixture.index.sums(collection, [FILE])).get(FILE)?.count;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'resilog-'));
    cluster = await startCluster({ members: 3, onlyServers: true });
    fixture = solrFixture((await serversOf(cluster)).solrUrl);
    ({ client } = fixture);
    const { components } = await cluster.status();
    nodes = components.filter(({ kind }) => kind === 'solr').map(({ name, address }) => ({ name, address }));
    collection = fixture.newCollection();
    await fixture.index.prepare(collection, { shards: 2, replicas: 1 });
    const documents = Array.from({ length: DOCUMENTS }, (_, line) => aDocument(FILE, line));
    expect(await fixture.index.add(collection, documents)).to.deep.equal([]);
    await fixture.index.commit(collection, 'hard');
  });

  after(async () => {
    await fixture?.close();
    await cluster?.stop();
    rmSync(folder, { recursive: true });
  });

  it('get copies of every shard, spread', async () => {
    expect(await settle(nodes, 2)).to.equal('');
    const places = await copies();
    expect(places.filter((place) => place.startsWith('shard1 '))).to.have.length(2);
    expect(places.filter((place) => place.startsWith('shard2 '))).to.have.length(2);
    expect(new Set(places.map((place) => place.split(' ')[1])).size).to.equal(3);
    expect(noted()).to.deep.equal(['solr-1', 'solr-2', 'solr-3']);
    expect(await found()).to.equal(DOCUMENTS);
  });

  it('give up their copies before they go, and not before others have them', async () => {
    expect(await settle(nodes.slice(0, 2), 2)).to.equal('');
    expect(await copies()).to.deep.equal(['shard1 solr-1', 'shard1 solr-2', 'shard2 solr-1', 'shard2 solr-2']);
    expect(noted()).to.deep.equal(['solr-1', 'solr-2']);
    await cluster.stopMember('solr-3');
    expect(await found()).to.equal(DOCUMENTS);
    await cluster.startMember('solr-3');
    await cluster.waitUntilReady();
  });

  it('are replaced at the same address when their data are gone', async () => {
    await cluster.stopMember('solr-2');
    expect(await settle(nodes.slice(0, 2), 2, 3_000)).to.include('1 of 2 copies active');
    rmSync(join(cluster.folder, 'solr-2', 'data'), { recursive: true });
    await cluster.startMember('solr-2');
    await cluster.waitUntilReady();
    expect(await settle(nodes.slice(0, 2), 2)).to.equal('');
    expect(await copies()).to.deep.equal(['shard1 solr-1', 'shard1 solr-2', 'shard2 solr-1', 'shard2 solr-2']);
    expect((await readPlacement(client)).replicas.filter((one) => one.collection === collection)).to.have.length(4);
    expect(await found()).to.equal(DOCUMENTS);
  });

  it('are replaced by one at another address, and what a lost one had is forgotten once others have it', async () => {
    await cluster.stopMember('solr-2');
    const replaced = [...nodes.slice(0, 1), { ...nodes[2], name: 'solr-2' }];
    expect(await settle(replaced, 2)).to.equal('');
    expect(await copies()).to.deep.equal(['shard1 solr-1', 'shard1 solr-3', 'shard2 solr-1', 'shard2 solr-3']);
    expect((await readPlacement(client)).replicas.filter((one) => one.collection === collection)).to.have.length(4);
    expect(await found()).to.equal(DOCUMENTS);
  });

  it('keep the last copies, whatever is wanted', async () => {
    await cluster.stopMember('solr-1');
    await cluster.stopMember('solr-3');
    await cluster.startMember('solr-2');
    await cluster.waitUntilReady(1_000).catch(() => undefined);
    expect(await settle(nodes.slice(1, 2), 1, 20_000)).to.match(/no copy of shard1|is not in the cluster|Solr/);
    await cluster.startMember('solr-1');
    await cluster.startMember('solr-3');
    await cluster.waitUntilReady();
    expect(await settle(nodes.slice(0, 1), 1)).to.equal('');
    expect(await found()).to.equal(DOCUMENTS);
  });
});
