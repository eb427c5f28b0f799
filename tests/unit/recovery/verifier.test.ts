import { expect } from 'chai';
import { MemoryIndex } from '../../../src/index/memory-index';
import type { IndexDocument } from '../../../src/index/ports';
import type { MemoryVolume } from '../../../src/archive/memory-volume';
import { silentLog } from '../../../src/log';
import { expectedSums, sumsAgree } from '../../../src/recovery/expected-sums';
import { Verifier } from '../../../src/recovery/verifier';
import { fileId, newCloser, newVolume, openLane, piece, TestClock, TestQueue } from './harness';

const ID = fileId(1);

function document(line: number): IndexDocument {
  return {
    id: `${ID}!${line}`, fileId: ID, line, sourceId: 'source-1', source: 'alpha', dateMs: 1, receivedMs: 1, text: 'x',
    truncated: false, found: '', definitions: 'd1',
  };
}

interface Setup {
  readonly volume: MemoryVolume;
  readonly index: MemoryIndex;
  readonly queue: TestQueue;
  readonly clock: TestClock;
  readonly verifier: Verifier;
}

/** A file of ten lines, of which `lines` are in the index. */
async function setUp(lines: readonly number[]): Promise<Setup> {
  const [volume, index, queue, clock] = [newVolume(), new MemoryIndex(), new TestQueue(), new TestClock()];
  await openLane(volume, 'L', [[piece(1, 'x\n'.repeat(10))]]);
  await newCloser(volume, clock).close({ lane: 'L', fromN: 0, throughN: 0, files: 'all' });
  await index.prepare('logs');
  await index.add('logs', lines.map(document));
  await volume.states.claim(ID, clock.now());
  await volume.states.markIndexed(ID, 1, clock.now());
  return { volume, index, queue, clock, verifier: new Verifier({ volume, index, queue, clock, log: silentLog }) };
}

const ALL = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

describe('Verifier', () => {
  it('verifies a file whose lines are all in the index', async () => {
    const { volume, verifier, queue } = await setUp(ALL);
    expect(await verifier.hasWork()).to.equal(true);
    await verifier.run();
    expect(await verifier.hasWork()).to.equal(false);
    expect((await volume.states.get(ID))?.phase).to.equal('verified');
    expect(queue.ids).to.deep.equal([]);
  });

  it('indexes a file again from 0 when a line is missing (schedule 10)', async () => {
    const { volume, verifier, queue } = await setUp(ALL.slice(1));
    await verifier.run();
    expect(await volume.states.get(ID)).to.include({ phase: 'closed', claim: 2, position: 0 });
    expect(queue.ids).to.deep.equal([ID]);
  });

  it('finds what nobody else remembers: indexed, lost by the index, its consumer dead (schedule 11)', async () => {
    const { volume, index, verifier, queue, clock } = await setUp([]);
    await verifier.run();
    expect(await volume.states.get(ID)).to.include({ phase: 'closed', position: 0 });
    expect(queue.ids).to.deep.equal([ID]);
    await index.add('logs', ALL.map(document));
    const state = await volume.states.claim(ID, clock.now());
    await volume.states.markIndexed(ID, state?.claim ?? 0, clock.now());
    await verifier.run();
    expect((await volume.states.get(ID))?.phase, 'a batch of the former claim may be on its way').to.equal('indexed');
    clock.nowMs += 21_000;
    await verifier.run();
    expect((await volume.states.get(ID))?.phase).to.equal('verified');
  });

  it('waits by its own clock, whatever the clock said that the last claim was made by (schedule 37)', async () => {
    for (const wrongMs of [-3_600_000, 3_600_000]) {
      const { volume, index, verifier, clock } = await setUp([]);
      await verifier.run();
      await index.add('logs', ALL.map(document));
      const state = await volume.states.claim(ID, clock.now() + wrongMs);
      await volume.states.markIndexed(ID, state?.claim ?? 0, clock.now() + wrongMs);
      await verifier.run();
      clock.nowMs += 19_000;
      await verifier.run();
      expect((await volume.states.get(ID))?.phase).to.equal('indexed');
      clock.nowMs += 2_000;
      await verifier.run();
      expect((await volume.states.get(ID))?.phase).to.equal('verified');
    }
  });

  it('counts each time that the index differs, and says how, so that consumers give up in the end', async () => {
    const { volume, verifier, clock } = await setUp(ALL.slice(1));
    await verifier.run();
    for (const attempts of [2, 3]) {
      const state = await volume.states.claim(ID, clock.now());
      await volume.states.markIndexed(ID, state?.claim ?? 0, clock.now());
      await verifier.run();
      clock.nowMs += 21_000;
      await verifier.run();
      expect(await volume.states.get(ID)).to.include({ phase: 'closed', attempts });
    }
    expect((await volume.states.get(ID))?.reason).to.include('9 of 10 lines');
  });

  it('lines that were set aside count as absent', async () => {
    const { volume, verifier } = await setUp(ALL.filter((line) => line !== 5));
    await volume.states.setAside({ fileId: ID, line: 5, reason: 'bad', atMs: 1 });
    await verifier.run();
    expect((await volume.states.get(ID))?.phase).to.equal('verified');
  });

  it('takes away deleted lines that a slow batch brought back, after it had time to end (schedules 19, 20)', async () => {
    const { volume, verifier, index, clock } = await setUp(ALL);
    await volume.states.bury(ID, [[2, 4]]);
    await verifier.run();
    expect((await volume.states.get(ID))?.phase).to.equal('indexed');
    clock.nowMs += 21_000;
    await verifier.run();
    expect((await volume.states.get(ID))?.phase).to.equal('verified');
    expect((await index.sums('logs', [ID])).get(ID)?.count).to.equal(7);
  });

  it('drops states a day after the file is gone, once the lane is drained', async () => {
    const { volume, verifier, clock } = await setUp(ALL);
    await verifier.run();
    await volume.states.bury(ID, [[0, 9]]);
    expect(await volume.states.removeIfEmpty(ID, clock.now())).to.equal(true);
    clock.nowMs += 2 * 86_400_000;
    await verifier.run();
    expect((await volume.states.get(ID))?.phase).to.equal('gone');
    await volume.journal.release('L', await volume.journal.seal('L') - 1);
    await verifier.run();
    expect(await volume.states.get(ID)).to.equal(undefined);
  });
});

describe('expectedSums', () => {
  it('tells one missing and one resurrected line from a healthy file', () => {
    const healthy = expectedSums({ lines: 10, tombstones: [[3, 3]] }, []);
    const wrong = expectedSums({ lines: 10, tombstones: [[4, 4]] }, []);
    expect(healthy.count).to.equal(wrong.count);
    expect(sumsAgree(healthy, wrong)).to.equal(false);
  });

  it('is exact for the largest file, and counts a line that is deleted and set aside once', () => {
    const { count, lineSum, lineSquareSum } = expectedSums({ lines: 2 ** 20, tombstones: [[0, 2]] }, [2, 5]);
    expect(count).to.equal(2 ** 20 - 4);
    const n = 2n ** 20n;
    expect(lineSum).to.equal((n * (n - 1n)) / 2n - 8n);
    expect(lineSquareSum).to.equal(((n - 1n) * n * (2n * n - 1n)) / 6n - 30n);
  });
});
