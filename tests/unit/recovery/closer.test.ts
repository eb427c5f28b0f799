import { expect } from 'chai';
import { pendingBlocks } from '../../../src/archive/journal';
import type { MemoryVolume } from '../../../src/archive/memory-volume';
import { UnavailableError, UnknownOutcomeError } from '../../../src/errors';
import { limits } from '../../../src/limits';
import { silentLog } from '../../../src/log';
import { Closer } from '../../../src/recovery/closer';
import {
  fileId, newCloser, newVolume, openLane, piece, source, TestClock, testRandom, textOf,
} from './harness';

const all = (throughN: number, fromN = 0): { lane: string; fromN: number; throughN: number; files: 'all' } => (
  { lane: 'L', fromN, throughN, files: 'all' });

describe('Closer', () => {
  it('takes the files of a lane apart, in order, and releases the blocks but the highest', async () => {
    const volume = newVolume();
    const large = 'a large line of file 2\n'.repeat(limits.ownFrameBytes / 16);
    await openLane(volume, 'L', [
      [piece(1, 'a\nb\n'), piece(2, 'x\n')], [piece(2, large), piece(1, 'c\n')], [piece(3, 'y\n'), piece(2, 'z\n')],
    ]);
    const closed = await newCloser(volume).close(all(2));
    expect(closed.map(({ id }) => id)).to.have.members([fileId(1), fileId(2), fileId(3)]);
    expect(await textOf(volume, 1)).to.equal('a\nb\nc\n');
    expect(await textOf(volume, 2)).to.equal(`x\n${large}z\n`);
    expect(await textOf(volume, 3)).to.equal('y\n');
    expect([...volume.store.journal.get('L')?.keys() ?? []]).to.deep.equal([2]);
    expect(await pendingBlocks(volume.journal)).to.equal(0);
    const state = await volume.states.get(fileId(1));
    expect(state).to.include({ phase: 'closed', lines: 3, collection: 'logs', definitions: 'd1' });
    expect(state?.queuedMs, 'as one that is put into the queue next').to.equal(state?.closedMs);
  });

  it('removes the last block of a lane that was sealed behind its release', async () => {
    const volume = newVolume();
    await openLane(volume, 'L', [[piece(1, 'a\n')], [piece(2, 'b\n')]]);
    const closer = newCloser(volume);
    await closer.close(all(1));
    expect(await volume.journal.seal('L')).to.equal(2);
    expect((await volume.journal.unfinishedLanes()).map(({ id }) => id)).to.deep.equal(['L']);
    expect(await closer.close(all(1))).to.deep.equal([]);
    expect([...volume.store.journal.get('L')?.keys() ?? []], 'the seal alone').to.deep.equal([2]);
    expect(await volume.journal.unfinishedLanes()).to.deep.equal([]);
  });

  it('closes one hot file only, and keeps the blocks', async () => {
    const volume = newVolume();
    await openLane(volume, 'L', [[piece(1, 'a\n'), piece(2, 'b\n')], [piece(1, 'c\n')]]);
    const closer = newCloser(volume);
    await closer.close({ lane: 'L', fromN: 0, throughN: 1, files: new Set([fileId(1)]) });
    expect(await textOf(volume, 1)).to.equal('a\nc\n');
    expect(await textOf(volume, 2)).to.equal(undefined);
    expect(await pendingBlocks(volume.journal)).to.equal(2);
    const rest = await closer.close(all(1));
    expect(rest.map(({ id }) => id)).to.deep.equal([fileId(2)]);
    expect(await pendingBlocks(volume.journal)).to.equal(0);
  });

  it('closes archived-only sources without a place in the queue', async () => {
    const volume = newVolume();
    await openLane(volume, 'L', [[piece(1, 'a\n', { ...source, indexed: false })]]);
    const closed = await newCloser(volume).close(all(0));
    expect(closed).to.deep.equal([{ id: fileId(1), indexed: false, lines: 1, gapLines: 0 }]);
    expect((await volume.states.get(fileId(1)))?.phase).to.equal('archived');
  });

  it('needs bounded memory: several passes give the same files', async () => {
    const volume = newVolume();
    const blocks = Array.from({ length: 4 }, (_, n) => (
      Array.from({ length: 10 }, (_file, file) => piece(file, `block ${n} of file ${file}\n`.repeat(50)))));
    await openLane(volume, 'L', blocks);
    const closed = await newCloser(volume, undefined, 3_000).close(all(3));
    expect(closed).to.have.length(10);
    for (let file = 0; file < 10; file += 1) {
      const expected = [0, 1, 2, 3].map((n) => `block ${n} of file ${file}\n`.repeat(50)).join('');
      expect(await textOf(volume, file)).to.equal(expected);
    }
    expect(await pendingBlocks(volume.journal)).to.equal(0);
  });

  it('two closers at once: each file is closed once, by one of them, with the same bytes (schedule 4)', async () => {
    const volume = newVolume(async () => { await new Promise((resolve) => setImmediate(resolve)); });
    await openLane(volume, 'L', [[piece(1, 'a\n'), piece(2, 'b\n')], [piece(3, 'c\n'), piece(1, 'd\n')]]);
    const both = await Promise.all([newCloser(volume).close(all(1)), newCloser(volume).close(all(1))]);
    expect(both.flat().map(({ id }) => id).sort()).to.deep.equal([fileId(1), fileId(2), fileId(3)]);
    expect(await textOf(volume, 1)).to.equal('a\nd\n');
  });

  for (const when of ['before', 'after'] as const) {
    it(`an unknown outcome of the closing transaction (${when}) loses and doubles nothing`, async () => {
      let failures = 3;
      const volume = newVolume((effect, at) => {
        if (effect === 'states.close' && at === when && failures > 0) {
          failures -= 1;
          throw new UnknownOutcomeError('no answer');
        }
      });
      await openLane(volume, 'L', [[piece(1, 'a\n'), piece(2, 'b\n'), piece(3, 'c\n')]]);
      const closed = await newCloser(volume).close(all(0));
      expect(closed.map(({ id }) => id).sort()).to.deep.equal([fileId(1), fileId(2), fileId(3)]);
      expect(await textOf(volume, 2)).to.equal('b\n');
    });
  }

  it('gives up after a while, and a later try ends it', async () => {
    let down = true;
    const volume = newVolume((effect) => {
      if (effect === 'states.close' && down) throw new UnavailableError('down');
    });
    await openLane(volume, 'L', [[piece(1, 'a\n')]]);
    const closer = newCloser(volume);
    const error = await closer.close(all(0)).catch((thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(UnavailableError);
    expect(await pendingBlocks(volume.journal)).to.equal(1);
    down = false;
    await closer.close(all(0));
    expect(await textOf(volume, 1)).to.equal('a\n');
  });

  it('a later generation does not release the blocks of an earlier one that is not closed', async () => {
    const volume = newVolume();
    await openLane(volume, 'L', [[piece(1, 'a\n')], [piece(2, 'b\n')], [piece(3, 'c\n')]]);
    const closer = newCloser(volume);
    await closer.close(all(1, 1));
    expect(await pendingBlocks(volume.journal)).to.equal(3);
    await closer.close(all(0, 0));
    expect(await textOf(volume, 1)).to.equal('a\n');
    expect(await pendingBlocks(volume.journal)).to.equal(1);
  });

  it('sets a corrupt block aside, closes its files with a recorded gap and lets the lane go on (schedule 48)', async () => {
    const volume: MemoryVolume = newVolume();
    await openLane(volume, 'L', [
      [piece(1, 'a\n')], [piece(1, 'lost\nlost\n'), piece(2, 'lost\n')], [piece(1, 'b\n')],
    ]);
    const damaged = volume.store.journal.get('L')?.get(1);
    if (damaged?.type !== 'block') throw new Error('no block');
    damaged.block.data[0] = (damaged.block.data[0] ?? 0) ^ 0xff;
    const closed = await newCloser(volume).close(all(2));
    expect(closed.map(({ lines, gapLines }) => [lines, gapLines])).to.deep.equal([[2, 2], [0, 1]]);
    expect(await textOf(volume, 1)).to.equal('a\nb\n');
    expect((await volume.files.describe(fileId(2)))?.gapLines).to.equal(1);
    expect(await pendingBlocks(volume.journal)).to.equal(0);
    expect([...volume.store.journal.get('L')?.keys() ?? []]).to.deep.equal([1, 2]);
  });

  it('does not close again what was removed meanwhile (schedule 21)', async () => {
    const volume = newVolume((effect, at) => {
      if (effect === 'journal.release' && at === 'before' && blocked) throw new UnavailableError('killed here');
    });
    let blocked = true;
    await openLane(volume, 'L', [[piece(1, 'a\n')]]);
    const closer = newCloser(volume);
    await closer.close(all(0)).catch(() => undefined);
    const claim = await volume.states.claim(fileId(1), 1);
    await volume.states.markIndexed(fileId(1), claim?.claim ?? 0, 2);
    await volume.states.markVerified(fileId(1), 1, 0);
    await volume.states.bury(fileId(1), [[0, 0]]);
    expect(await volume.states.removeIfEmpty(fileId(1), 3)).to.equal(true);
    blocked = false;
    expect(await closer.close(all(0))).to.deep.equal([]);
    expect(await volume.files.describe(fileId(1))).to.equal(undefined);
    expect(await pendingBlocks(volume.journal)).to.equal(0);
  });

  it('shows nothing of a file before its closing transaction: no orphan to sweep (schedule 5)', async () => {
    let dead = true;
    const volume = newVolume((effect, when) => {
      if (effect !== 'states.close' || when === 'after') return;
      expect(volume.store.files.size, 'nothing is written before').to.equal(0);
      if (dead) throw new Error('killed');
    });
    await openLane(volume, 'L', [[piece(1, 'a\n')]]);
    await newCloser(volume).close(all(0)).catch(() => undefined);
    expect(await volume.files.list({ limit: 10 })).to.deep.equal([]);
    dead = false;
    await newCloser(volume).close(all(0));
    expect(await textOf(volume, 1)).to.equal('a\n');
  });

  it('fixes collection and definitions once: other settings later move no line (schedule 17)', async () => {
    const volume = newVolume();
    await openLane(volume, 'L', [[piece(1, 'a\n'), piece(2, 'b\n')]]);
    let collection = 'first';
    const closer = new Closer({
      volume, clock: new TestClock(), random: testRandom, log: silentLog,
      policy: () => ({ collection, definitions: `of ${collection}`, maxIndexedLineBytes: 1_024 }),
    });
    await closer.close({ lane: 'L', fromN: 0, throughN: 0, files: new Set([fileId(1)]) });
    collection = 'second';
    await closer.close(all(0));
    await volume.states.restart(fileId(1), 0, 1);
    expect(await volume.states.get(fileId(1))).to.include({ collection: 'first', definitions: 'of first' });
    expect(await volume.states.get(fileId(2))).to.include({ collection: 'second', definitions: 'of second' });
  });

  it('has one closing transaction in flight, whoever asks (schedule 50)', async () => {
    let inFlight = 0;
    let most = 0;
    const volume = newVolume(async (effect, when) => {
      if (effect !== 'states.close') return;
      inFlight += when === 'before' ? 1 : -1;
      most = Math.max(most, inFlight);
      await new Promise((resolve) => setImmediate(resolve));
    });
    const lanes = ['K', 'L', 'M', 'N'];
    for (const [i, lane] of lanes.entries()) await openLane(volume, lane, [[piece(i, 'a\n')]]);
    const closer = newCloser(volume);
    await Promise.all(lanes.map((lane) => closer.close({ ...all(0), lane })));
    expect(volume.store.states.size).to.equal(4);
    expect(most).to.equal(1);
  });
});
