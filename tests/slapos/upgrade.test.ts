import { expect } from 'chai';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { RequestedCluster, parametersFrom } from './support/cluster';
import { clusterBasePort } from './support/ports';
import { sharedNode } from './support/shared-node';
import { readText, type SlaposNode } from './support/slapos-node';
import { Traffic } from './support/traffic';

interface TurnEvent { readonly time: string; readonly event: string; readonly member: string }

const COUNTS = { zookeeper: 3, mongodb: 3, solr: 2, producer: 2, consumer: 2 };
const MEMBERS = Object.entries(COUNTS).flatMap(([tier, count]) =>
  Array.from({ length: count }, (_, index) => `${tier}-${index + 1}`));
const NEXT = '0.1.1-next';
/** The longest that no producer may take a request. */
const GAP_MS = 10_000;
const PASSES_MAX = 16;

describe('SlapOS: an upgrade of a running cluster', function () {
  this.timeout(2_400_000);
  let node: SlaposNode;
  let cluster: RequestedCluster;
  let key = '';

  const turns = (): TurnEvent[] => MEMBERS.flatMap((member) => {
    const file = join(node.partition(cluster.partitionOf(member)), 'var', 'log', 'turn-output.log');
    return existsSync(file) ? readText(file).split('\n').filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as TurnEvent) : [];
  }).sort((one, other) => (one.time < other.time ? -1 : 1));
  /** Runs slapgrid until all services are those of the release and every promise passes. */
  const rollOn = async (release: string): Promise<void> => {
    let log = '';
    for (let pass = 0; pass < PASSES_MAX; pass += 1) {
      const { code, stderr } = await node.instance();
      log = stderr;
      const former = MEMBERS.filter((member) => !programOf(member).includes(release));
      if (code === 0 && former.length === 0) return;
    }
    throw new Error(`not upgraded after ${PASSES_MAX} runs: ${log.slice(-4_000)}`);
  };
  const programOf = (member: string): string =>
    readText(join(node.partition(cluster.partitionOf(member)), 'etc', 'resilog', 'run'));
  const pidOf = (member: string): number => {
    const [pid = ''] = readText(join(node.partition(cluster.partitionOf(member)), 'etc', 'resilog', 'run.pid')).split(' ');
    return Number(pid);
  };

  before(async () => {
    node = await sharedNode();
    cluster = new RequestedCluster(node, 'rolling', parametersFrom(await clusterBasePort(), COUNTS));
    await cluster.start();
    key = await cluster.addSource('rolled');
  });

  after(async () => { await cluster.destroy(); });

  it('rolls through the members one at a time, and takes lines all the while', async () => {
    const url = await node.packAs(NEXT);
    await node.build(url);
    const former = new Map(MEMBERS.map((member) => [member, pidOf(member)]));
    const traffic = new Traffic(cluster, key, 'roll');
    cluster.url = url;
    await cluster.request();
    await rollOn(node.softwareOf(url));
    const lines = await traffic.stop();
    await cluster.settle();
    process.stdout.write(`    longest time without a request that was taken: ${traffic.gapMs} ms\n`);
    for (const member of MEMBERS) expect(pidOf(member), member).not.to.equal(former.get(member));
    expect(await cluster.countLines('rolled')).to.equal(lines);
    expect(traffic.gapMs).to.be.at.most(GAP_MS);
  });

  it('gave every member its turn, and nobody another\'s', () => {
    let holder: string | undefined;
    const had: string[] = [];
    for (const { event, member } of turns()) {
      if (event === 'TurnGranted') {
        expect(holder, `${member} while ${holder ?? ''}`).to.equal(undefined);
        holder = member;
      } else if (['TurnEnded', 'TurnGivenUp', 'TurnLost'].includes(event)) {
        expect({ member, event }).to.deep.equal({ member: holder, event: 'TurnEnded' });
        had.push(member);
        holder = undefined;
      }
    }
    expect([...new Set(had)].sort()).to.deep.equal([...MEMBERS].sort());
  });

  it('leaves the new version at work', async () => {
    const { components } = JSON.parse((await cluster.resilog('status', '--json')).stdout) as {
      components: readonly { member: string; version: string }[];
    };
    for (const member of ['producer-1', 'producer-2', 'consumer-1', 'consumer-2']) {
      expect(components.find((component) => component.member === member)).to.include({ version: NEXT });
    }
    expect((await cluster.resilog('--version')).stdout.trim()).to.equal(NEXT);
  });

  it('restarts nobody in further runs', async () => {
    const former = MEMBERS.map(pidOf);
    for (let pass = 0; pass < 2; pass += 1) expect((await node.instance('--all')).code).to.equal(0);
    expect(MEMBERS.map(pidOf)).to.deep.equal(former);
  });

  it('refuses the turn of a member while another of its kind is down, and says which', async () => {
    const missing = `${cluster.partitionOf('mongodb-3')}:*`;
    await node.slapos('node', 'stop', missing);
    const former = pidOf('mongodb-1');
    await cluster.change({ mongodb: { 'cache-gigabytes': 0.3 } });
    // The root tells its members; a run over all would start the one that is down.
    await node.instance('--only-cp', /slappart\d+/.exec(cluster.published.command)?.[0] ?? '');
    const { code, stderr } = await node.instance('--only-cp', cluster.partitionOf('mongodb-1'));
    expect(code).not.to.equal(0);
    expect(stderr).to.match(/mongodb-1 waits for its turn to restart: of 3 MongoDB members only 2 are up \(mongodb-1, mongodb-2\)/);
    expect(stderr).to.include('The service runs on as it was');
    expect(pidOf('mongodb-1')).to.equal(former);
    await node.slapos('node', 'start', missing);
    await cluster.settle();
    expect(pidOf('mongodb-1')).not.to.equal(former);
  });
});
