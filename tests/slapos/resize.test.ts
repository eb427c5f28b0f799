import { expect } from 'chai';
import { systemClock } from '../../src/clock';
import { createSolrClient } from '../../src/index/solr-client';
import { parseCredentials } from '../../src/server-access';
import type { Run } from '../support/checkout';
import { derivedSecrets } from '../support/derived-secrets';
import { freeBasePort } from '../support/free-ports';
import { sharedNode } from './support/shared-node';
import { readText, type SlaposNode } from './support/slapos-node';
import { Traffic } from './support/traffic';

interface Published {
  readonly 'admin-secret': string;
  readonly 'server-certificates': Readonly<Record<string, string>>;
  readonly 'intake-urls': readonly string[];
  readonly certificates: Readonly<Record<string, string>>;
  readonly command: string;
  readonly zookeeper: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly 'taking-part': Readonly<Record<string, { readonly members: Readonly<Record<string, string>> }>>;
}

const QUICK_JAVA = '-XX:TieredStopAtLevel=1';
/** Servers are started, given what the others have, and only then counted. */
const PASSES = 60;

describe('SlapOS: a cluster that grows and shrinks while lines flow', function () {
  this.timeout(2_400_000);
  let node: SlaposNode;
  let parameters: Record<string, Record<string, unknown>> = {};
  let published: Published;
  let traffic: Traffic | undefined;

  const resilog = (...args: string[]): Promise<Run> => node.run(published.command, args);
  const settled = async (changed: Record<string, Record<string, unknown>> = {}): Promise<void> => {
    for (const [tier, values] of Object.entries(changed)) {
      parameters = { ...parameters, [tier]: { ...parameters[tier], ...values } };
    }
    await node.request('resized', node.releaseUrl, parameters);
    await node.settle(PASSES);
    for (let pass = 0; pass < 2; pass += 1) await node.slapos('node', 'report');
    published = (await node.info<Published>('resized'))['connection-parameters'];
  };
  const members = async (): Promise<string[]> => {
    const { stdout } = await resilog('status', '--json');
    return (JSON.parse(stdout) as { components: { member: string }[] }).components.map(({ member }) => member).sort();
  };
  /** Who takes part, as the servers themselves have said. */
  const takingPart = (tier: string): string[] => Object.keys(published['taking-part'][tier]?.members ?? {}).sort();

  before(async () => {
    node = await sharedNode();
    const base = await freeBasePort();
    parameters = {
      zookeeper: { 'base-port': base, 'java-options': QUICK_JAVA },
      mongodb: { 'base-port': base + 30 },
      solr: { 'base-port': base + 40, replicas: 2, 'java-options': QUICK_JAVA },
      producer: { 'base-port': base + 50 },
      consumer: { 'base-port': base + 70 },
    };
    await settled();
    const { key } = JSON.parse((await resilog('source', 'add', 'web3', '--json')).stdout) as { key: string };
    traffic = new Traffic(() => published['intake-urls'].map((url, index) =>
      ({ url, certificate: published.certificates[`producer-${index + 1}`] ?? '' })), key, 'resized');
  });
  after(async () => { await traffic?.stop(); });

  for (const tier of ['mongodb', 'zookeeper']) {
    it(`has three of ${tier} instead of one, all of which take part`, async () => {
      const before = longRunning(node);
      await settled({ [tier]: { count: 3 } });
      expect(takingPart(tier)).to.deep.equal([1, 2, 3].map((index) => `${tier}-${index}`));
      expect(await members()).to.include.members([`${tier}-1`, `${tier}-2`, `${tier}-3`]);
      expect(longRunning(node)).to.include.members(before);
    });

    it(`has one of ${tier} again, after the others were taken out`, async () => {
      await settled({ [tier]: { count: 1 } });
      expect(takingPart(tier)).to.deep.equal([`${tier}-1`]);
      expect(published.counts[tier]).to.equal(1);
      expect((await members()).filter((name) => name.startsWith(tier))).to.deep.equal([`${tier}-1`]);
    });
  }

  it('has two nodes of Solr with a copy each, and one again', async () => {
    await settled({ solr: { count: 2 } });
    expect(await copies()).to.deep.equal(['active', 'active']);
    await settled({ solr: { count: 1 } });
    expect(await copies()).to.deep.equal(['active']);
  });

  it('has lost no acknowledged line, and has each of them once', async () => {
    const lines = await traffic?.stop();
    const { code, stderr } = await resilog('wait', '--idle', '--timeout', '180s');
    expect(code, stderr).to.equal(0);
    expect(Number((await resilog('search', '*', '--source', 'web3', '--count')).stdout)).to.equal(lines);
  });

  it('is left alone by further runs of slapgrid', async () => {
    expect((await node.instance('--all')).code).to.equal(0);
    const before = longRunning(node);
    for (let pass = 0; pass < 2; pass += 1) expect((await node.instance('--all')).code).to.equal(0);
    expect(longRunning(node)).to.deep.equal(before);
  });

  it('leaves nothing when it is destroyed', async () => {
    await node.destroy('resized', node.releaseUrl, parameters);
    expect([...node.services().values()]).to.deep.equal([]);
  });

  /** States of all copies of the index, as Solr has them. */
  async function copies(): Promise<string[]> {
    const port = Number(parameters.solr?.['base-port']) + 1;
    const { options } = await derivedSecrets(published['admin-secret']);
    const credentials = parseCredentials(options.admin.solr ?? '');
    if (credentials === undefined) throw new Error('the administrator has no password for Solr');
    const client = createSolrClient({
      baseUrls: () => [`https://[::1]:${port}/solr`], clock: systemClock,
      access: { credentials, authority: published['server-certificates'].authority ?? '' },
    });
    const answer = client.request({ path: '/admin/collections', query: { action: 'CLUSTERSTATUS' }, effect: 'read' });
    const answered: unknown = await answer.finally(() => client.close());
    const { cluster } = answered as { cluster: { collections: Record<string, {
      shards: Record<string, { replicas: Record<string, { state: string }> }>;
    }>; }; };
    return Object.values(cluster.collections).flatMap(({ shards }) => Object.values(shards))
      .flatMap(({ replicas }) => Object.values(replicas).map(({ state }) => state)).sort();
  }
});

/** Servers and processes of ours with the start of each: the same number with another time is another process. */
function longRunning(node: SlaposNode): string[] {
  return [...node.services()]
    .filter(([, command]) => /bin\/(mongod|java) |process\.json/.test(command) && !command.includes(' launch '))
    .map(([pid]) => `${pid} ${readText(`/proc/${pid}/stat`).replace(/^.*\) /s, '').split(' ')[19] ?? ''}`).sort();
}
