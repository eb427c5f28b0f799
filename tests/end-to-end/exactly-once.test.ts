import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import { pendingBlocks } from '../../src/archive/journal';
import type { ConnectedServices } from '../../src/process/services';
import { startCluster, type Cluster } from '../support/cluster';
import { sized, written } from '../support/size';
import { replay } from './support/client';
import { connect, countIndexed, indexedIds, listStates, readArchive } from './support/inspect';
import { Ledger } from './support/ledger';
import { repeated, samples } from './support/samples';

const SOURCES = 20;
const LINES = sized(200_000, 60_000);

interface Sender {
  readonly source: string;
  readonly ledger: Ledger;
  readonly done: Promise<void>;
}

/** Declares 20 sources and sends real lines from all of them at once. */
async function sendAll(
  cluster: Cluster, prefix: string, pauseMs: number,
): Promise<{ readonly senders: readonly Sender[]; readonly sent: () => number }> {
  const logs = samples();
  let acknowledged = 0;
  const senders: Sender[] = [];
  for (let i = 0; i < SOURCES; i += 1) {
    const sample = logs[i % logs.length];
    if (sample === undefined) throw new Error('there are no samples');
    const source = `${prefix}-${i}`;
    const { stdout, stderr, code } = await cluster.resilog(['source', 'add', source, '--json']);
    expect(code, stderr).to.equal(0);
    const { urls } = JSON.parse(stdout) as { urls: string[] };
    expect(urls).to.have.length(2);
    const ledger = new Ledger();
    const done = replay({
      // Half of the sources begin with the other producer.
      urls: i % 2 === 0 ? urls : [...urls].reverse(), lines: repeated(sample, LINES / SOURCES), linesPerRequest: 250,
      ledger,
      giveUpMs: 120_000, pauseMs, onAcknowledged: (lines) => { acknowledged += lines; },
    });
    done.catch(() => undefined);
    senders.push({ source, ledger, done });
  }
  return { senders, sent: () => acknowledged };
}

/** Every line that got a 200 is in archive and index exactly once, and all counters agree. */
async function verify(cluster: Cluster, services: ConnectedServices, senders: readonly Sender[]): Promise<void> {
  const wait = await cluster.resilog(['wait', '--idle', '--verified', '--timeout', '900s']);
  expect(wait.code, wait.stderr).to.equal(0);
  for (const { source, ledger } of senders) {
    const archived = await readArchive(services, source);
    expect(ledger.violations(archived.lines), source).to.deep.equal([]);
    expect(await countIndexed(services, source), `${source} in Solr`).to.equal(archived.lineCount);
    const ids = await indexedIds(services, source);
    expect(ids.size, `distinct ids of ${source}`).to.equal(archived.lineCount);
  }
  const states = await listStates(services);
  expect(states.filter(({ phase }) => phase !== 'verified').map(({ id, phase }) => `${id} ${phase}`)).to.deep.equal([]);
  expect(states.every(({ position, lines }) => position === lines)).to.equal(true);
  for (const { journal } of await services.volumes()) {
    expect(await pendingBlocks(journal), 'blocks with an open file').to.equal(0);
  }
  const depth = await (await services.queue()).depth();
  expect(depth).to.deep.equal({ items: 0, dead: 0 });
}

describe(`${written(LINES)} real lines from 20 sources on three members, two producers, three consumers`, function () {
  this.timeout(1_500_000);
  let cluster: Cluster;
  let services: ConnectedServices;

  before(async () => {
    cluster = await startCluster({ members: 3, producers: 2, consumers: 3 });
    services = connect(cluster);
  });

  after(async () => {
    await services.close();
    await cluster.stop();
  });

  it('are each found exactly once', async () => {
    const { senders, sent } = await sendAll(cluster, 'calm', 0);
    await Promise.all(senders.map(({ done }) => done));
    expect(sent()).to.equal(LINES);
    await verify(cluster, services, senders);
  });

  it('are each found exactly once although a member of every kind is killed meanwhile', async () => {
    const { senders, sent } = await sendAll(cluster, 'storm', 1_000);
    const victims = ['producer-1', 'consumer-1', 'mongodb-1', 'consumer-2', 'zookeeper-1', 'consumer-3', 'solr-1'];
    let killed = 0;
    const all = Promise.all(senders.map(({ done }) => done));
    all.catch(() => undefined);
    for (const victim of victims) {
      // Spread over the run, by what was acknowledged.
      const threshold = (LINES * (killed + 1)) / (victims.length + 2);
      while (sent() < threshold) {
        await sleep(50);
        await Promise.race([all, sleep(0)]);
      }
      await cluster.kill9(victim);
      killed += 1;
    }
    await all;
    expect(sent()).to.equal(LINES);
    await cluster.waitUntilReady(120_000);
    await verify(cluster, services, senders);
    expect(senders.reduce((sum, { ledger }) => sum + ledger.unsettledLines, 0)).to.be.greaterThan(0);
  });
});
