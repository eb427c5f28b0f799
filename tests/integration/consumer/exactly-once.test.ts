import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { expect } from 'chai';
import { Registry } from 'prom-client';
import { FileBuilder } from '../../../src/archive/file-format';
import { MongodbVolume } from '../../../src/archive/mongodb-volume';
import { Phase, type ClosingFile } from '../../../src/archive/states';
import { systemClock } from '../../../src/clock';
import { createConsumer, type Consumer } from '../../../src/consumer/consumer';
import { createConsumerMetrics } from '../../../src/consumer/metrics';
import { silentLog } from '../../../src/log';
import { definitionSetOf, readDefinitionFolder } from '../../../src/normaliser/definition-set';
import { WorkerPool } from '../../../src/normaliser/worker-pool';
import { createQueueAdministration } from '../../../src/queue/queue-administration';
import { createQueueConsumer } from '../../../src/queue/queue-consumer';
import { createQueueProducer } from '../../../src/queue/queue-producer';
import { createQueueTree } from '../../../src/queue/queue-tree';
import { systemRandom } from '../../../src/random';
import { MemorySettings } from '../../../src/registry/memory-settings';
import {
  openZooKeeperWorld, type ZooKeeperBreakable, type ZooKeeperWorld,
} from '../../conformance/registry/zookeeper-world';
import { servers } from '../../support/servers';
import { solrFixture, type SolrFixture } from '../../support/solr-collections';

/** 20,000 lines: one file of half of them, and many small ones. */
const SIZES = [10_000, ...Array.from({ length: 100 }, () => 100)];
const LINES = SIZES.reduce((sum, size) => sum + size, 0);

describe('consumers on real servers', function () {
  this.timeout(300_000);
  const definitions = join(__dirname, '../../../normalizers');
  let world: ZooKeeperWorld;
  let solr: SolrFixture;
  let volume: MongodbVolume;
  let collection: string;
  let version: string;
  const ids = SIZES.map(() => randomBytes(12).toString('hex'));
  const settings = new MemorySettings({ consumer: { softCommitMs: 1_000, batchDocuments: 500 } });
  const started: { consumer: Consumer; pool: WorkerPool }[] = [];

  before(async () => {
    world = await openZooKeeperWorld();
    const { mongodbUrl, solrUrl } = await servers();
    solr = solrFixture(solrUrl);
    collection = solr.newCollection();
    const database = `test-consumer-${randomBytes(6).toString('hex')}`;
    volume = new MongodbVolume({ name: 'main', url: mongodbUrl, database, clock: systemClock });
    await volume.prepare();
    const set = definitionSetOf(await readDefinitionFolder(definitions));
    await volume.definitions.save(set);
    ({ version } = set);
    await solr.index.prepare(collection, { shards: 1, replicas: 1 });
  });

  after(async () => {
    await Promise.all(started.map(async ({ consumer, pool }) => {
      await consumer.close(10_000);
      await pool.close();
    }));
    await volume.connection.db.dropDatabase();
    await volume.close();
    await solr.close();
    await world.close();
  });

  const close = async (id: string, count: number): Promise<ClosingFile> => {
    const source = { id: 'source-1', name: 'sshd', indexed: true, timeZone: 'UTC' };
    const builder = new FileBuilder({ id, source, volume: 'main', lane: 'lane-1' });
    const receivedMs = Date.UTC(2026, 10, 22, 3, 0, 0);
    const line = (i: number): string =>
      `<38>Nov 22 02:5${i % 10}:00 web${i % 7} sshd[${i}]: Failed password for root from 2001:db8::${i % 4096}\n`;
    const raw = Buffer.from(Array.from({ length: count }, (_, i) => line(i)).join(''));
    await builder.add({ raw, lines: count, receivedMs });
    const { description, content } = await builder.finish(receivedMs);
    return {
      description, content,
      state: {
        id, phase: Phase.closed, sourceId: source.id, sourceName: source.name, volume: 'main', lane: 'lane-1',
        lines: count, firstReceivedMs: receivedMs, lastReceivedMs: receivedMs, closedMs: receivedMs, collection,
        definitions: version, timeZone: 'UTC', maxIndexedLineBytes: 32_768, claim: 0, position: 0, attempts: 0, queuedMs: 0, progressMs: 0,
        tombstones: [], tombstoneVersion: 0, setAside: 0,
      },
    };
  };

  const addConsumer = async (): Promise<ZooKeeperBreakable & { consumer: Consumer }> => {
    const session = await world.connect();
    const { coordination } = session;
    const pool = new WorkerPool({ store: volume.definitions, clock: systemClock, log: silentLog, workers: 1 });
    const common = { coordination, clock: systemClock, random: systemRandom, log: silentLog };
    const consumer = createConsumer({
      ...common,
      queue: createQueueConsumer({ ...common, noProgressMs: () => settings.current.consumer.noProgressMs }),
      deadLetters: createQueueAdministration(coordination),
      volumes: [volume],
      index: solr.index,
      normaliser: pool,
      settings,
      metrics: createConsumerMetrics(new Registry()),
      prepareIndex: () => solr.index.prepare(collection, { shards: 1, replicas: 1 }),
    });
    await consumer.start();
    started.push({ consumer, pool });
    return { ...session, consumer };
  };

  const eventually = async (check: () => Promise<boolean>, timeoutMs: number): Promise<void> => {
    const end = systemClock.monotonic() + timeoutMs;
    while (!await check()) {
      if (systemClock.monotonic() > end) throw new Error('it did not happen in time');
      await systemClock.sleep(200);
    }
  };

  it('index 20,000 lines exactly once while one is cut off in the middle and another takes over', async () => {
    const { coordination: control } = await world.connect();
    await createQueueTree(control, 16);
    const queue = createQueueProducer({ coordination: control, clock: systemClock, random: systemRandom });
    for (const [i, id] of ids.entries()) await volume.states.close([await close(id, SIZES[i] ?? 0)]);
    await queue.put(ids);

    const first = await addConsumer();
    await eventually(async () => {
      const begun = await volume.states.get(ids[0] ?? '');
      return (begun?.claim ?? 0) > 0;
    }, 60_000);
    // Cut off from ZooKeeper, but alive: it goes on as a zombie that may still reach archive and index.
    await first.loseConnection();
    await first.expireSession();
    await addConsumer();
    await eventually(async () => (await queue.depth()).items === 0, 120_000);

    for (const [i, id] of ids.entries()) {
      expect(await volume.states.get(id)).to.include({ phase: Phase.indexed, position: SIZES[i], attempts: 0 });
    }
    await solr.index.commit(collection, 'hard');
    const sums = await solr.index.sums(collection, ids);
    for (const [i, id] of ids.entries()) {
      const n = BigInt(SIZES[i] ?? 0);
      expect(sums.get(id)?.count, id).to.equal(Number(n));
      expect(sums.get(id)?.lineSum, id).to.equal(n * (n - 1n) / 2n);
      expect(sums.get(id)?.lineSquareSum, id).to.equal((n - 1n) * n * (2n * n - 1n) / 6n);
    }
    const { count } = await solr.index.search([collection], { query: { text: '' }, rows: 1 });
    expect(count).to.equal(LINES);
    const tags = [{ name: 'program', value: 'sshd' }];
    const tagged = await solr.index.search([collection], { query: { text: '', tags }, rows: 1 });
    expect(tagged.count).to.equal(LINES);
    expect(await createQueueAdministration(control).dead(10)).to.deep.equal([]);
  });
});
