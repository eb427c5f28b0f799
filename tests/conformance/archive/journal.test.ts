import { expect } from 'chai';
import { buildBlock, decodeFrame } from '../../../src/archive/block-format';
import { pendingBlocks, type StoredBlock } from '../../../src/archive/journal';
import { LimitError, NotFoundError } from '../../../src/errors';
import { limits } from '../../../src/limits';
import { block, collect, keyRecord, newId, newLane, numbers, piece, rejection } from './samples';
import { describeVolumes } from './volumes';

describeVolumes('journal', (open) => {
  async function openLane(openedMs?: number): Promise<string> {
    const lane = newLane(openedMs);
    await open().journal.openLane(lane);
    return lane.id;
  }

  async function readAll(lane: string, from = 0, to = Number.MAX_SAFE_INTEGER): Promise<StoredBlock[]> {
    return collect(open().journal.read(lane, from, to));
  }

  it('gives blocks back as they were stored', async () => {
    const lane = await openLane();
    const large = 'a line of a large piece\n'.repeat(limits.ownFrameBytes / 20);
    const stored = await buildBlock(lane, 0, [
      piece('a\nb\n', newId(), 1000), piece(large, newId(), 999), piece('c', newId(), 2 ** 41),
      { ...piece('d\n'), source: { id: 's2', name: 'Ünïcode', indexed: false, timeZone: 'Europe/Paris' } },
    ]);
    expect(await open().journal.insert([stored])).to.deep.equal({ outcome: 'stored' });
    const [read] = await collect(open().journal.read(lane, 0, 0));
    expect(read).to.deep.equal({ ...stored, corrupt: false });
    expect((await decodeFrame(stored, 1)).toString()).to.equal(large);
  });

  it('holds a block of the largest size, and refuses a larger one before sending', async () => {
    const lane = await openLane();
    const one = await block(lane, 0);
    const data = Buffer.alloc(limits.blockRawBytes + 1024 * 1024, 1);
    expect(await open().journal.insert([{ ...one, data }])).to.deep.equal({ outcome: 'stored' });
    const [read] = await collect(open().journal.read(lane, 0, 0));
    expect(read?.corrupt).to.equal(true);
    const huge = { ...one, n: 1, data: Buffer.alloc(limits.mongodbDocumentBytes + 1) };
    expect(await rejection(open().journal.insert([huge]))).to.be.instanceOf(LimitError);
    expect(await open().journal.insert([{ ...one, n: 1 }])).to.deep.equal({ outcome: 'stored' });
  });

  it('collides when a number is taken, and stores nothing then', async () => {
    const lane = await openLane();
    await open().journal.insert([await block(lane, 0), await block(lane, 1)]);
    expect(await open().journal.insert([await block(lane, 1)])).to.deep.equal({ outcome: 'collision' });
    const both = [await block(lane, 1), await block(lane, 2)];
    expect(await open().journal.insert(both)).to.deep.equal({ outcome: 'collision' });
    expect(numbers(await readAll(lane))).to.deep.equal([0, 1]);
  });

  it('reads a range in order', async () => {
    const lane = await openLane();
    for (let n = 0; n < 12; n += 1) await open().journal.insert([await block(lane, n)]);
    expect(numbers(await collect(open().journal.read(lane, 2, 10)))).to.deep.equal([2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(await collect(open().journal.read('lane-none', 0, 10))).to.deep.equal([]);
  });

  it('stores a key with its blocks or neither; a repeat gets the stored answer (schedule 15)', async () => {
    const lane = await openLane();
    const key = keyRecord();
    expect(await open().journal.findKey(key.sourceId, key.key)).to.equal(undefined);
    expect(await open().journal.insert([await block(lane, 0)], key)).to.deep.equal({ outcome: 'stored' });
    const other = { ...key, answer: { ...key.answer, lines: 99 } };
    expect(await open().journal.insert([await block(lane, 1)], other)).to.deep.equal({ outcome: 'repeated', record: key });
    expect(numbers(await readAll(lane))).to.deep.equal([0]);
    expect(await open().journal.findKey(key.sourceId, key.key)).to.deep.equal(key);
    expect(await open().journal.findKey('another source', key.key)).to.equal(undefined);
    const unstored = keyRecord();
    expect(await open().journal.insert([await block(lane, 0)], unstored)).to.deep.equal({ outcome: 'collision' });
    expect(await open().journal.findKey(unstored.sourceId, unstored.key)).to.equal(undefined);
  });

  it('a repeated key leaves its number free: no hole in the lane (schedule 41)', async () => {
    const lane = await openLane();
    const key = keyRecord();
    await open().journal.insert([await block(lane, 0)], key);
    await open().journal.insert([await block(lane, 1)], key);
    expect(await open().journal.insert([await block(lane, 1)])).to.deep.equal({ outcome: 'stored' });
    expect(await open().journal.seal(lane)).to.equal(2);
  });

  it('a keyed write that collides with a seal leaves no key (schedule 40)', async () => {
    const lane = await openLane();
    const key = keyRecord();
    await open().journal.seal(lane);
    expect(await open().journal.insert([await block(lane, 0)], key)).to.deep.equal({ outcome: 'collision' });
    expect(await open().journal.findKey(key.sourceId, key.key)).to.equal(undefined);
  });

  it('one copy of a key that is written on two lanes at once', async () => {
    const lanes = [await openLane(), await openLane()];
    for (let round = 0; round < 20; round += 1) {
      const key = keyRecord();
      const next = async (lane: string): Promise<number> => (await readAll(lane)).length;
      const outcomes = await Promise.all(lanes.map(async (lane) => (
        open().journal.insert([await block(lane, await next(lane))], key))));
      const kinds = outcomes.map(({ outcome }) => outcome).sort();
      expect(kinds.filter((kind) => kind === 'stored')).to.have.length(1);
      expect(kinds.every((kind) => kind !== 'collision')).to.equal(true);
    }
    const counts = await Promise.all(lanes.map(async (lane) => (await readAll(lane)).length));
    expect((counts[0] ?? 0) + (counts[1] ?? 0)).to.equal(20);
  });

  it('seals behind the highest number; whoever writes then collides; sealing again gives the same (schedules 1, 6)',
    async () => {
      const lane = await openLane();
      for (let n = 0; n < 3; n += 1) await open().journal.insert([await block(lane, n)]);
      const seals = await Promise.all([open().journal.seal(lane), open().journal.seal(lane)]);
      expect(seals).to.deep.equal([3, 3]);
      expect(await open().journal.seal(lane)).to.equal(3);
      expect(await open().journal.insert([await block(lane, 3)])).to.deep.equal({ outcome: 'collision' });
      expect(numbers(await readAll(lane))).to.deep.equal([0, 1, 2]);
    });

  it('seals an empty lane at 0', async () => {
    const lane = await openLane();
    expect(await open().journal.seal(lane)).to.equal(0);
    expect(await open().journal.insert([await block(lane, 0)])).to.deep.equal({ outcome: 'collision' });
  });

  it('seals a lane that is being written to: each write is before the seal, or collides', async () => {
    for (let round = 0; round < 5; round += 1) {
      const lane = await openLane();
      let stored = 0;
      const writer = (async () => {
        for (let n = 0; ; n += 1) {
          if ((await open().journal.insert([await block(lane, n)])).outcome === 'collision') return;
          stored += 1;
          await new Promise((resolve) => setImmediate(resolve));
        }
      })();
      await new Promise((resolve) => setTimeout(resolve, 5));
      const seal = await open().journal.seal(lane);
      await writer;
      expect(stored).to.equal(seal);
      expect(await readAll(lane)).to.have.length(seal);
    }
  });

  it('never removes the highest document, nor the seal (schedules 38, 39)', async () => {
    const lane = await openLane();
    for (let n = 0; n < 3; n += 1) await open().journal.insert([await block(lane, n)]);
    await open().journal.release(lane, 2);
    expect(numbers(await readAll(lane))).to.deep.equal([2]);
    expect(await open().journal.seal(lane)).to.equal(3);
    await open().journal.release(lane, 3);
    expect(await readAll(lane)).to.deep.equal([]);
    expect(await open().journal.insert([await block(lane, 3)])).to.deep.equal({ outcome: 'collision' });
    expect(await open().journal.seal(lane)).to.equal(3);
  });

  it('releases a prefix, in any order and again', async () => {
    const lane = await openLane();
    for (let n = 0; n < 6; n += 1) await open().journal.insert([await block(lane, n)]);
    await open().journal.release(lane, 2);
    await open().journal.release(lane, 1);
    expect(numbers(await readAll(lane))).to.deep.equal([3, 4, 5]);
    const status = (await open().journal.unfinishedLanes()).find(({ id }) => id === lane);
    expect(status).to.include({ releasedThrough: 2, highestBlock: 5, sealedAt: undefined });
  });

  it('lists lanes that are open or not drained, oldest first', async () => {
    const [b, a] = [await openLane(20), await openLane(10)];
    await open().journal.insert([await block(a, 0)]);
    const mine = async (): Promise<string[]> => (await open().journal.unfinishedLanes())
      .map(({ id }) => id).filter((id) => id === a || id === b);
    expect(await mine()).to.deep.equal([a, b]);
    await open().journal.seal(b);
    expect(await mine()).to.deep.equal([a]);
    await open().journal.seal(a);
    const status = (await open().journal.unfinishedLanes()).find(({ id }) => id === a);
    expect(status).to.include({ sealedAt: 1, releasedThrough: -1, highestBlock: 0 });
    await open().journal.release(a, 0);
    expect(await mine()).to.deep.equal([]);
  });

  it('lists a lane until its last block is removed, which a seal that came behind the release leaves to do', async () => {
    const lane = await openLane();
    await open().journal.insert([await block(lane, 0)]);
    await open().journal.release(lane, 0);
    expect(await open().journal.seal(lane)).to.equal(1);
    const status = async (): Promise<unknown> => (await open().journal.unfinishedLanes()).find(({ id }) => id === lane);
    expect(await status()).to.include({ sealedAt: 1, releasedThrough: 0, highestBlock: 0 });
    await open().journal.release(lane, 0);
    expect(await readAll(lane)).to.deep.equal([]);
    expect(await status()).to.equal(undefined);
  });

  it('counts blocks with a file that may not be closed: no seals, no kept ones', async () => {
    const before = await pendingBlocks(open().journal);
    const lane = await openLane();
    for (let n = 0; n < 5; n += 1) await open().journal.insert([await block(lane, n)]);
    const pending = async (): Promise<number> => (await pendingBlocks(open().journal)) - before;
    expect(await pending()).to.equal(5);
    await open().journal.release(lane, 1);
    expect(await pending()).to.equal(3);
    await open().journal.setAsideBlock(lane, 3, 'unreadable');
    expect(await pending(), 'one that is set aside counts until its lane is released beyond it').to.equal(3);
    await open().journal.release(lane, 4);
    expect(await pending()).to.equal(0);
    await open().journal.seal(lane);
    expect(await pending()).to.equal(0);
  });

  it('finds a corrupt block, and keeps one that was set aside', async () => {
    const lane = await openLane();
    const good = await block(lane, 0);
    const data = Buffer.from(good.data);
    data[0] = (data[0] ?? 0) ^ 0xff;
    await open().journal.insert([{ ...good, data }]);
    await open().journal.insert([await block(lane, 1)]);
    const read = await collect(open().journal.read(lane, 0, 1));
    expect(read.map(({ corrupt }) => corrupt)).to.deep.equal([true, false]);
    expect(read[0]?.segments).to.deep.equal(good.segments);
    await open().journal.setAsideBlock(lane, 0, 'its data does not match');
    await open().journal.release(lane, 1);
    expect(numbers(await readAll(lane))).to.deep.equal([0, 1]);
    expect(await rejection(open().journal.setAsideBlock(lane, 7, 'x'))).to.be.instanceOf(NotFoundError);
  });

  it('opening a lane again changes nothing', async () => {
    const lane = newLane();
    await open().journal.openLane(lane);
    await open().journal.insert([await block(lane.id, 0)]);
    await open().journal.release(lane.id, 0);
    await open().journal.openLane(lane);
    const status = (await open().journal.unfinishedLanes()).find(({ id }) => id === lane.id);
    expect(status).to.include({ releasedThrough: 0, incarnation: lane.incarnation });
  });
});
