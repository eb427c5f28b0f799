import { expect } from 'chai';
import { connect as connectTls } from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../src/clock';
import { createSolrClient } from '../../src/index/solr-client';
import { startCluster, type Cluster } from '../support/cluster';
import { Stopwatch } from '../support/stopwatch';
import { until } from '../support/wait';
import { post, type Answer } from './support/client';
import { connect, countIndexed, readArchive } from './support/inspect';
import { Ledger } from './support/ledger';
import { bodyOf } from './support/samples';

/** Sends one line now and then until told to stop, and keeps the ledger and all answers. */
class Trickle {
  readonly ledger = new Ledger();
  readonly answers: (Answer & { readonly at: number })[] = [];
  private stopped = false;
  private readonly running: Promise<void>;

  constructor(private readonly url: string, private readonly name: string) {
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.running;
  }

  since(at: number): readonly Answer[] {
    return this.answers.filter((answer) => answer.at >= at);
  }

  private async run(): Promise<void> {
    for (let i = 0; !this.stopped; i += 1) {
      const lines = [`${this.name} line ${i}`];
      const at = Date.now();
      const answer = await post(this.url, bodyOf(lines));
      this.answers.push({ ...answer, at });
      if (answer.status === 200) this.ledger.acknowledge(lines);
      else this.ledger.doubt(lines);
      await sleep(100);
    }
  }
}

describe('outages of one cluster of one each', function () {
  this.timeout(600_000);
  let cluster: Cluster;
  const trickles: Trickle[] = [];

  const startTrickle = (url: string, name: string): Trickle => {
    const trickle = new Trickle(url, name);
    trickles.push(trickle);
    return trickle;
  };
  const back = (trickle: Trickle, limitMs: number): Promise<number> => {
    const now = Date.now();
    return until('lines are taken again', limitMs, () => trickle.since(now).some(({ status }) => status === 200), 100);
  };
  const resilog = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await cluster.resilog(args);
    expect(code, `resilog ${args.join(' ')}: ${stderr}`).to.equal(0);
    return stdout;
  };
  const addSource = async (name: string): Promise<string> => {
    const { urls } = JSON.parse(await resilog('source', 'add', name, '--json')) as { urls: string[] };
    return urls[0] ?? '';
  };
  const verify = async (name: string, ledger: Ledger): Promise<void> => {
    await resilog('wait', '--idle', '--timeout', '240');
    const services = connect(cluster);
    try {
      const archived = await readArchive(services, name);
      expect(ledger.violations(archived.lines)).to.deep.equal([]);
      expect(await countIndexed(services, name)).to.equal(archived.lineCount);
    } finally {
      await services.close();
    }
  };

  before(async () => {
    cluster = await startCluster();
    await resilog('config', 'set', 'files.maxAgeMs=2000', 'intake.graceSeconds=10');
  });

  // One that a failed test left would send for ever.
  afterEach(() => Promise.all(trickles.splice(0).map((trickle) => trickle.stop())));

  after(async () => {
    await cluster?.stop();
  });

  it('an unknown key is refused at once, before a body of 1 GiB is read', async () => {
    const port = cluster.basePort + 51;
    const answer = await new Promise<{ text: string; ms: number }>((resolve, reject) => {
      const stopwatch = new Stopwatch();
      const socket = connectTls({ host: '::1', port, rejectUnauthorized: false }, () => {
        socket.write(`POST /${'0'.repeat(64)} HTTP/1.1\r\nHost: x\r\nContent-Length: ${2 ** 30}\r\nExpect: 100-continue\r\n\r\n`);
      });
      let text = '';
      socket.setEncoding('utf8').on('data', (data: string) => {
        text += data;
        if (text.includes('\r\n\r\n')) resolve({ text, ms: stopwatch.ms });
      });
      socket.on('error', reject);
    });
    expect(answer.text).to.match(/^HTTP\/1\.1 403 /);
    expect(answer.ms).to.be.lessThan(1_000);
  });

  for (const [what, stop, start] of [
    ['MongoDB stopped', () => cluster.stopMember('mongodb-1'), () => cluster.startMember('mongodb-1')],
    ['MongoDB paused', () => cluster.pause('mongodb-1'), () => cluster.resume('mongodb-1')],
  ] as const) {
    it(`${what}: 503 with Retry-After within 6 s, nothing lost, back within 10 s without a restart`, async () => {
      const name = what.replace(' ', '-').toLowerCase();
      const trickle = startTrickle(await addSource(name), name);
      await sleep(2_000);
      await stop();
      const stoppedAt = Date.now();
      await sleep(8_000);
      const during = trickle.since(stoppedAt + 500);
      expect(during.length).to.be.greaterThan(0);
      for (const { status, headers, durationMs } of during) {
        expect(status).to.equal(503);
        expect(Number(headers['retry-after'])).to.be.greaterThan(0);
        expect(durationMs).to.be.lessThan(6_000);
      }
      await start();
      await back(trickle, 12_000);
      await sleep(1_000);
      await trickle.stop();
      await verify(name, trickle.ledger);
    });
  }

  it('ZooKeeper stopped: known keys are served for graceSeconds, then 503; nothing lost; back within 10 s', async () => {
    const url = await addSource('graced');
    const trickle = startTrickle(url, 'graced');
    await sleep(1_500);
    await cluster.stopMember('zookeeper-1');
    const stoppedAt = Date.now();
    const waiting = cluster.resilog(['wait', '--idle', '--timeout', '120']);
    try {
      // The grace begins with the last word of ZooKeeper's, up to three seconds before it was stopped.
      await sleep(5_000);
      const refused = trickle.since(stoppedAt).filter(({ status }) => status !== 200);
      expect(refused.map(({ status, body }) => `${status} ${body}`), 'within the grace').to.deep.equal([]);
      await sleep(9_000);
      const late = trickle.since(stoppedAt + 11_000);
      expect(late.length).to.be.greaterThan(0);
      for (const { status } of late) expect(status).to.equal(503);
      const unknown = await post(new URL(`/${'1'.repeat(64)}`, url).href, Buffer.from('x\n'));
      expect(unknown.status, 'an unknown key is not refused for good while nothing is known').to.equal(503);
    } finally {
      await cluster.startMember('zookeeper-1');
    }
    await back(trickle, 25_000);
    await trickle.stop();
    const { code, stderr } = await waiting;
    expect(code, `the command that began while it was away: ${stderr}`).to.equal(0);
    await cluster.waitUntilReady();
    await verify('graced', trickle.ledger);
  });

  it('Solr stopped: lines are taken, and searchable when it is back', async () => {
    const trickle = startTrickle(await addSource('unsearchable'), 'unsearchable');
    await sleep(500);
    await cluster.stopMember('solr-1');
    await sleep(5_000);
    await cluster.startMember('solr-1');
    await trickle.stop();
    expect(trickle.answers.every(({ status }) => status === 200)).to.equal(true);
    await cluster.waitUntilReady();
    await verify('unsearchable', trickle.ledger);
  });

  it('the only producer killed and kept down: its acknowledged lines are searchable all the same', async () => {
    await resilog('config', 'set', 'files.maxAgeMs=60000');
    const trickle = startTrickle(await addSource('orphaned'), 'orphaned');
    await sleep(2_000);
    await cluster.kill9('producer-1');
    await cluster.stopMember('producer-1');
    await trickle.stop();
    const services = connect(cluster);
    try {
      // Session time-out 8 s, and 15 s.
      await until('all acknowledged lines are searchable', 23_000, async () =>
        await countIndexed(services, 'orphaned').catch(() => 0) >= trickle.ledger.acknowledgedLines, 500);
    } finally {
      await services.close();
    }
    await cluster.startMember('producer-1');
    await cluster.waitUntilReady();
    await verify('orphaned', trickle.ledger);
    await resilog('config', 'set', 'files.maxAgeMs=2000');
  });

  it('a producer paused beyond its session can not acknowledge into files that another has closed (schedule 1)', async () => {
    const trickle = startTrickle(await addSource('zombie'), 'zombie');
    await sleep(2_000);
    await cluster.pause('producer-1');
    await sleep(16_000);
    await cluster.resume('producer-1');
    await sleep(6_000);
    await trickle.stop();
    expect(trickle.answers.at(-1)?.status, 'it works again, in new lanes').to.equal(200);
    await verify('zombie', trickle.ledger);
  });

  it('the collection removed behind its back: made anew, what comes is indexed, and no healthy file is a dead letter', async () => {
    const trickle = startTrickle(await addSource('uncollected'), 'uncollected');
    await sleep(3_000);
    const client = createSolrClient({ baseUrls: () => [`http://[::1]:${cluster.basePort + 41}/solr`], clock: systemClock });
    try {
      await client.request({
        path: '/admin/collections', query: { action: 'DELETE', name: 'resilog' }, effect: 'write', timeoutMs: 60_000,
      });
    } finally {
      await client.close();
    }
    const lost = trickle.ledger.acknowledgedLines;
    await sleep(5_000);
    await trickle.stop();
    expect(trickle.answers.every(({ status }) => status === 200), 'producers need no index').to.equal(true);
    await resilog('wait', '--idle', '--timeout', '240');
    const services = connect(cluster);
    try {
      expect(await (await services.queue()).depth()).to.deep.equal({ items: 0, dead: 0 });
      const archived = await readArchive(services, 'uncollected');
      expect(trickle.ledger.violations(archived.lines)).to.deep.equal([]);
      const indexed = await countIndexed(services, 'uncollected');
      expect(indexed, 'what came after it').to.be.within(archived.lineCount - lost, archived.lineCount);
    } finally {
      await services.close();
    }
  });
});
