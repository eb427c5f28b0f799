import { expect } from 'chai';
import { buildBlock } from '../../../src/archive/block-format';
import type { MemoryVolume } from '../../../src/archive/memory-volume';
import { UnavailableError } from '../../../src/errors';
import { silentLog } from '../../../src/log';
import { Recoverer } from '../../../src/recovery/recoverer';
import { fileId, newCloser, newVolume, openLane, piece, TestClock, TestQueue, textOf } from './harness';

interface Setup {
  readonly recoverer: Recoverer;
  readonly queue: TestQueue;
  readonly clock: TestClock;
}

function setUp(volume: MemoryVolume, alive: () => Promise<ReadonlySet<string>>): Setup {
  const [queue, clock] = [new TestQueue(), new TestClock()];
  const closer = newCloser(volume, clock);
  const options = { volume, closer, queue, clock, log: silentLog, aliveIncarnations: alive };
  return { queue, clock, recoverer: new Recoverer({ ...options, requeueAfterMs: () => 60_000 }) };
}

const nobody = async (): Promise<ReadonlySet<string>> => new Set();

describe('Recoverer', () => {
  it('seals a dead lane, closes its files and enqueues them; the owner that wakes up collides (schedule 1)', async () => {
    const volume = newVolume();
    await openLane(volume, 'L', [[piece(1, 'a\n')], [piece(2, 'b\n'), piece(1, 'c\n')]]);
    const { recoverer, queue } = setUp(volume, nobody);
    await recoverer.run();
    expect(await textOf(volume, 1)).to.equal('a\nc\n');
    expect(queue.ids).to.have.members([fileId(1), fileId(2)]);
    const zombie = await volume.journal.insert([await buildBlock('L', 2, [piece(1, 'late\n')])]);
    expect(zombie.outcome).to.equal('collision');
    expect(await volume.journal.unfinishedLanes()).to.deep.equal([]);
    await recoverer.run();
    expect(queue.ids).to.have.length(2);
  });

  it('leaves living lanes alone, and all lanes when the living are not known', async () => {
    const volume = newVolume();
    await openLane(volume, 'L', [[piece(1, 'a\n')]]);
    await setUp(volume, async () => new Set(['of L'])).recoverer.run();
    const doubtful = setUp(volume, () => Promise.reject(new UnavailableError('no registry')));
    expect(await doubtful.recoverer.run().catch((error: unknown) => error)).to.be.instanceOf(UnavailableError);
    expect((await volume.journal.unfinishedLanes())[0]?.sealedAt).to.equal(undefined);
  });

  it('says beforehand whether there is anything to repair', async () => {
    const volume = newVolume();
    expect(await setUp(volume, nobody).recoverer.hasWork()).to.equal(false);
    await openLane(volume, 'L', [[piece(1, 'a\n')]]);
    expect(await setUp(volume, async () => new Set(['of L'])).recoverer.hasWork()).to.equal(false);
    const { recoverer, clock } = setUp(volume, nobody);
    expect(await recoverer.hasWork()).to.equal(true);
    await recoverer.run();
    expect(await recoverer.hasWork(), 'the file is in the queue').to.equal(false);
    clock.nowMs += 60_001;
    expect(await recoverer.hasWork(), 'nobody has worked on the file').to.equal(true);
    await recoverer.run();
    expect(await recoverer.hasWork()).to.equal(false);
  });

  it('ends an empty lane', async () => {
    const volume = newVolume();
    await openLane(volume, 'L', []);
    await setUp(volume, nobody).recoverer.run();
    expect(await volume.journal.unfinishedLanes()).to.deep.equal([]);
  });

  it('two at once do no harm', async () => {
    const volume = newVolume(async () => { await new Promise((resolve) => setImmediate(resolve)); });
    await openLane(volume, 'L', [[piece(1, 'a\n')], [piece(2, 'b\n')]]);
    const both = [setUp(volume, nobody), setUp(volume, nobody)];
    await Promise.all(both.map(({ recoverer }) => recoverer.run()));
    expect(await textOf(volume, 1)).to.equal('a\n');
    expect(both.flatMap(({ queue }) => queue.ids).sort()).to.deep.equal([fileId(1), fileId(2)]);
  });

  it('killed at any effect, the next run ends the work, with every line once', async () => {
    for (let deadly = 1; ; deadly += 1) {
      let effects = 0;
      let armed = false;
      const volume = newVolume((_, when) => {
        if (!armed) return;
        effects += 1;
        if (effects === deadly) throw new Error(`killed ${when}`);
      });
      await openLane(volume, 'L', [[piece(1, 'a\n')], [piece(2, 'b\n'), piece(1, 'c\n')]]);
      armed = true;
      const first = setUp(volume, nobody);
      await first.recoverer.run().catch(() => undefined);
      const finished = effects < deadly;
      armed = false;
      const { recoverer, queue, clock } = setUp(volume, nobody);
      clock.nowMs += 120_000;
      await recoverer.run();
      expect(await textOf(volume, 1)).to.equal('a\nc\n');
      expect(await textOf(volume, 2)).to.equal('b\n');
      expect(await volume.journal.unfinishedLanes()).to.deep.equal([]);
      expect(new Set([...first.queue.ids, ...queue.ids]).size, `killed at effect ${deadly}`).to.equal(2);
      if (finished) break;
    }
  });

  it('enqueues files without progress again, once per period and by one recoverer (schedule 18)', async () => {
    const volume = newVolume();
    await openLane(volume, 'L', [[piece(1, 'a\n')]]);
    const { recoverer, queue, clock } = setUp(volume, nobody);
    await recoverer.run();
    clock.nowMs += 59_000;
    await recoverer.run();
    expect(queue.ids).to.have.length(1);
    clock.nowMs += 2_000;
    await recoverer.run();
    await recoverer.run();
    expect(queue.ids).to.have.length(2);
    const state = await volume.states.claim(fileId(1), clock.now());
    await volume.states.markIndexed(fileId(1), state?.claim ?? 0, clock.now());
    clock.nowMs += 500_000;
    await recoverer.run();
    expect(queue.ids).to.have.length(2);
  });

  it('enqueues a file whose times are of a clock that was an hour ahead (schedule 37)', async () => {
    const volume = newVolume();
    await openLane(volume, 'L', [[piece(1, 'a\n')]]);
    const { recoverer, queue, clock } = setUp(volume, nobody);
    clock.nowMs += 3_600_000;
    await recoverer.run();
    clock.nowMs -= 3_600_000;
    expect(await recoverer.hasWork()).to.equal(true);
    await recoverer.run();
    await recoverer.run();
    expect(queue.ids).to.have.length(2);
    clock.nowMs += 62_000;
    await recoverer.run();
    expect(queue.ids).to.have.length(3);
  });

  it('enqueues a file that nobody can work on ever more rarely: an outage does not fill the queue', async () => {
    const volume = newVolume();
    await openLane(volume, 'L', [[piece(1, 'a\n')]]);
    const { recoverer, queue, clock } = setUp(volume, nobody);
    for (let minute = 0; minute < 24 * 60; minute += 1) {
      await recoverer.run();
      clock.nowMs += 60_001;
    }
    expect(queue.ids.length).to.be.within(5, 13);
  });
});
