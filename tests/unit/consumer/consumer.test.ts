import { expect } from 'chai';
import { Registry } from 'prom-client';
import { MemoryVolume } from '../../../src/archive/memory-volume';
import { Phase } from '../../../src/archive/states';
import { systemClock } from '../../../src/clock';
import { createConsumer, type Consumer, type ConsumerDependencies } from '../../../src/consumer/consumer';
import { createConsumerMetrics } from '../../../src/consumer/metrics';
import { InputError, NotFoundError, PermissionError, UnavailableError } from '../../../src/errors';
import { MemoryIndex } from '../../../src/index/memory-index';
import { silentLog } from '../../../src/log';
import { createQueueAdministration } from '../../../src/queue/queue-administration';
import { createQueueConsumer } from '../../../src/queue/queue-consumer';
import { createQueueProducer } from '../../../src/queue/queue-producer';
import { createQueueTree } from '../../../src/queue/queue-tree';
import { systemRandom } from '../../../src/random';
import { MemoryCoordinationServer, type MemoryCoordination } from '../../../src/registry/memory-coordination';
import { MemorySettings } from '../../../src/registry/memory-settings';
import { eventually } from '../../support/wait';
import { COLLECTION, closeFile, fastClock, wordNormaliser } from './fixture';

interface Member {
  readonly consumer: Consumer;
  readonly coordination: MemoryCoordination;
  readonly registry: Registry;
}

/** As if made in 2055: never so old that its state may have been dropped. */
const fileId = (i: number): string => i.toString(16).padStart(24, `a${'0'.repeat(23)}`);
const linesOf = (i: number): string[] => Array.from({ length: 10 + i }, (_, line) => `word${line} of file ${i}`);

describe('consumers', function () {
  this.timeout(30_000);
  const clock = fastClock(20);
  let volume: MemoryVolume;
  let index: MemoryIndex;
  let down: boolean;
  let server: MemoryCoordinationServer;
  let control: MemoryCoordination;
  let settings: MemorySettings;
  let members: Member[];

  beforeEach(async () => {
    down = false;
    volume = new MemoryVolume();
    index = new MemoryIndex({
      faults: () => {
        if (down) throw new UnavailableError('the index is down');
      },
    });
    await index.prepare(COLLECTION);
    server = new MemoryCoordinationServer({ clock });
    control = server.connect();
    await createQueueTree(control, 8);
    settings = new MemorySettings({ consumer: { batchDocuments: 16 } });
    members = [];
  });

  afterEach(async () => {
    down = false;
    await Promise.all(members.map((member) => member.consumer.close(5_000)));
    await Promise.all(members.map((member) => member.coordination.close()));
    await control.close();
  });

  const join = async (changes: Partial<ConsumerDependencies> = {}): Promise<Member> => {
    const coordination = server.connect();
    const registry = new Registry();
    const common = { coordination, clock, random: systemRandom, log: silentLog };
    const consumer = createConsumer({
      ...common,
      queue: createQueueConsumer({
        ...common, noProgressMs: () => settings.current.consumer.noProgressMs, drainMs: 1_000,
      }),
      deadLetters: createQueueAdministration(coordination),
      volumes: [volume],
      index,
      normaliser: wordNormaliser,
      settings,
      metrics: createConsumerMetrics(registry),
      prepareIndex: () => index.prepare(COLLECTION),
      ...changes,
    });
    await consumer.start();
    const member = { consumer, coordination, registry };
    members.push(member);
    return member;
  };
  const queue = () => createQueueProducer({ coordination: control, clock, random: systemRandom });
  const fill = async (count: number): Promise<string[]> => {
    const ids = Array.from({ length: count }, (_, i) => fileId(i));
    for (const [i, id] of ids.entries()) await closeFile(volume, id, [linesOf(i)]);
    await queue().put(ids);
    return ids;
  };
  const expectedIds = (count: number, without: readonly number[] = []): string[] =>
    Array.from({ length: count }, (_, i) => i).filter((i) => !without.includes(i))
      .flatMap((i) => linesOf(i).map((_, line) => `${fileId(i)}!${line}`)).sort();
  const indexed = async (): Promise<readonly string[]> => {
    await index.commit(COLLECTION, 'soft');
    return index.searchableIds(COLLECTION);
  };
  const drained = (): Promise<void> => eventually(async () => { expect((await queue().depth()).items).to.equal(0); });

  it('index every file once and empty the queue', async () => {
    const ids = await fill(40);
    await join();
    await join();
    await drained();
    expect(await indexed()).to.deep.equal(expectedIds(40));
    for (const id of ids) expect(await volume.states.get(id)).to.include({ phase: Phase.indexed, attempts: 0 });
  });

  it('make lines searchable by themselves and count what they do', async () => {
    await fill(3);
    const { registry } = await join();
    await drained();
    await eventually(async () => { expect(index.searchableIds(COLLECTION)).to.deep.equal(expectedIds(3)); });
    const text = await registry.metrics();
    expect(text).to.match(/resilog_consumer_lines_indexed_total 33\n/);
    expect(text).to.match(/resilog_consumer_owned_buckets 8\n/);
    expect(text).to.match(/resilog_consumer_files_in_work 0\n/);
    expect(text).to.match(/resilog_consumer_lines_left 0\n/);
  });

  it('index a file once that is in the queue many times (schedule 18)', async () => {
    const ids = await fill(5);
    for (let i = 0; i < 4; i += 1) await queue().put(ids);
    const add = index.add.bind(index);
    const sent: string[] = [];
    index.add = (collection, documents, ...more) => {
      sent.push(...documents.map(({ id }) => id));
      return add(collection, documents, ...more);
    };
    await join();
    await join();
    await drained();
    expect(await indexed()).to.deep.equal(expectedIds(5));
    expect(sent.sort(), 'nothing was sent again').to.deep.equal(expectedIds(5));
  });

  it('take over from one whose session expires in the middle of its work', async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => { release = resolve; });
    let busy = 0;
    const slow = {
      ...wordNormaliser,
      normalise: async (...args: Parameters<typeof wordNormaliser.normalise>) => {
        busy += 1;
        await held;
        return wordNormaliser.normalise(...args);
      },
    };
    const ids = await fill(20);
    const first = await join({ normaliser: slow });
    await eventually(() => { expect(busy).to.be.greaterThan(5); });
    first.coordination.loseConnection();
    first.coordination.expireSession();
    await join();
    await drained();
    release();
    await first.consumer.close(5_000);
    expect(await indexed()).to.deep.equal(expectedIds(20));
    for (const id of ids) expect(await volume.states.get(id)).to.include({ phase: Phase.indexed, attempts: 0 });
  });

  for (const [name, refusal] of [
    ['is gone', new NotFoundError('There is no collection')], ['may not be written to', new PermissionError('403')],
  ] as const) {
    it(`have the collection prepared again when it ${name}, and hold it against no file`, async () => {
      const add = index.add.bind(index);
      let refuses = false;
      index.add = (...parts) => (refuses ? Promise.reject(refusal) : add(...parts));
      let prepared = 0;
      await join({
        prepareIndex: async () => {
          prepared += 1;
          if (prepared > 2) refuses = false;
          await index.prepare(COLLECTION);
        },
      });
      await eventually(() => { expect(prepared).to.be.greaterThan(0); });
      refuses = true;
      const ids = await fill(10);
      await drained();
      expect(prepared).to.be.greaterThan(2);
      expect(await indexed()).to.deep.equal(expectedIds(10));
      for (const id of ids) expect(await volume.states.get(id)).to.include({ phase: Phase.indexed, attempts: 0 });
    });
  }

  it('put everything back while the index is down, and go on afterwards (schedules 28, 29)', async () => {
    const ids = await fill(20);
    down = true;
    const [first, second] = [await join(), await join()];
    await eventually(() => {
      expect(first.consumer.status()).to.include({ state: 'paused', ownedBuckets: 0 });
      expect(second.consumer.status()).to.include({ state: 'paused', ownedBuckets: 0 });
    });
    await systemClock.sleep(300);
    expect((await queue().depth()).items).to.be.greaterThan(0);
    down = false;
    await drained();
    expect(await indexed()).to.deep.equal(expectedIds(20));
    for (const id of ids) expect(await volume.states.get(id)).to.include({ phase: Phase.indexed, attempts: 0 });
    expect(await createQueueAdministration(control).dead(10)).to.deep.equal([]);
  });

  it('survive an index that fails in the middle of the work', async () => {
    await fill(30);
    await join();
    for (let i = 0; i < 5; i += 1) {
      await systemClock.sleep(10);
      down = true;
      await systemClock.sleep(100);
      down = false;
      await systemClock.sleep(20);
    }
    await drained();
    expect(await indexed()).to.deep.equal(expectedIds(30));
  });

  it('leave it to another when only they can not reach the index', async () => {
    await fill(20);
    const unreachable = new MemoryIndex({ faults: () => { throw new UnavailableError('no route'); } });
    const cut = await join({ index: unreachable });
    await join();
    await drained();
    expect(cut.consumer.status().state).to.equal('paused');
    expect(await indexed()).to.deep.equal(expectedIds(20));
  });

  it('give up a poison file after its attempts and index the others of its item (schedule 29)', async () => {
    const picky = {
      ...wordNormaliser,
      normalise: async (...args: Parameters<typeof wordNormaliser.normalise>) => {
        if (args[1].some(({ text }) => text.endsWith('file 7'))) throw new InputError('poison');
        return wordNormaliser.normalise(...args);
      },
    };
    await fill(20);
    await join({ normaliser: picky });
    await drained();
    expect(await indexed()).to.deep.equal(expectedIds(20, [7]));
    expect(await volume.states.get(fileId(7))).to.include({ phase: Phase.dead, attempts: 5 });
    const dead = await createQueueAdministration(control).dead(10);
    expect(dead.map(({ fileId: id, reason }) => [id, reason])).to.deep.equal([[fileId(7), 'poison']]);
  });

  it('keep a file without a state in the queue, without harm to the others of its item (schedule 12)', async () => {
    const ids = await fill(10);
    await queue().put([fileId(999), ...ids]);
    await join();
    await eventually(async () => {
      const left = await createQueueAdministration(control).list(9);
      expect(left.map((item) => item.fileIds)).to.deep.equal([[fileId(999)]]);
    });
    expect(await indexed()).to.deep.equal(expectedIds(10));
  });

  it('close in time, with nothing lost, in the middle of the work', async () => {
    await fill(30);
    const first = await join();
    await systemClock.sleep(5);
    await first.consumer.close(10_000);
    await first.consumer.close(10_000);
    expect(first.consumer.status()).to.include({ state: 'closed', ownedBuckets: 0, filesInWork: 0, bytesInWork: 0 });
    await join();
    await drained();
    expect(await indexed()).to.deep.equal(expectedIds(30));
  });

  it('close in time although their work hangs', async () => {
    await fill(3);
    const hanging = { ...wordNormaliser, normalise: () => new Promise<never>(() => undefined) };
    const stuck = await join({ normaliser: hanging });
    await eventually(() => { expect(stuck.consumer.status().filesInWork).to.equal(3); });
    // A timer beside it, since a processor that is busy elsewhere delays both.
    const tooLate = clock.sleep(6_500).then(() => 'too late');
    expect(await Promise.race([stuck.consumer.close(5_000).then(() => 'closed'), tooLate])).to.equal('closed');
    await join();
    await drained();
    expect(await indexed()).to.deep.equal(expectedIds(3));
  });

  it('use changed settings at once', async () => {
    const member = await join();
    settings.change({ consumer: { batchDocuments: 1, softCommitMs: 100 } });
    await fill(4);
    await drained();
    const text = await member.registry.metrics();
    expect(text).to.match(/resilog_settings_version 1\n/);
    expect(text).to.match(/resilog_consumer_batches_total\{outcome="accepted"\} 46\n/);
  });
});
