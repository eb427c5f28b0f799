import { expect } from 'chai';
import { buildBlock } from '../../../src/archive/block-format';
import { MemoryVolume } from '../../../src/archive/memory-volume';
import { UnavailableError, UnknownOutcomeError } from '../../../src/errors';
import { silentLog } from '../../../src/log';
import type { LaneResult } from '../../../src/producer/group-commit';
import { Lanes } from '../../../src/producer/lanes';
import { MemoryCoordinationServer } from '../../../src/registry/memory-coordination';
import { MemorySettings } from '../../../src/registry/memory-settings';
import { ManualClock, settle } from '../../support/manual-clock';
import { bodySha256, harness, requestOf, seededRandom, until, type Harness } from './harness';

const submit = async (h: Harness, ...args: Parameters<typeof requestOf>): Promise<LaneResult> =>
  h.lanes.submit(requestOf(...args));

const filesOf = (result: LaneResult): readonly string[] => (result.outcome === 'stored' ? result.files : []);

function lanesOver(volumes: readonly MemoryVolume[], clock: ManualClock): Lanes {
  return new Lanes({
    volumes, clock, coordination: new MemoryCoordinationServer({ clock }).connect(), settings: new MemorySettings(),
    queue: { put: async () => undefined, depth: async () => ({ items: 0, dead: 0 }) },
    buildBlock, closeFiles: async () => [], random: seededRandom(), log: silentLog, description: {},
    onWrite: () => undefined,
  });
}

describe('lanes, schedules that lose, double or misplace a line', () => {
  it('a source and its keys have one home volume for every producer (schedule 16: unique in one volume only)', () => {
    const clock = new ManualClock();
    const volumes = ['one', 'two', 'three'].map((name) => new MemoryVolume({ name }));
    const [first, second] = [lanesOver(volumes, clock), lanesOver([...volumes].reverse(), clock)];
    const homes = new Set<string>();
    for (let source = 0; source < 100; source += 1) {
      const { name } = first.volumeOf(`source-${source}`);
      expect(second.volumeOf(`source-${source}`).name).to.equal(name);
      homes.add(name);
    }
    expect(homes.size, 'all volumes have their share').to.equal(3);
  });

  it('a block that is not stored leaves no hole in the lines of its file (schedule 23: a counter ahead)', async () => {
    let down = false;
    const h = await harness({
      faults: (effect) => { if (down && effect === 'journal.insert') throw new UnavailableError('no primary'); },
    });
    await submit(h, 'a', ['line 0', 'line 1']);
    down = true;
    expect(await submit(h, 'a', ['refused']).catch((error: unknown) => error)).to.be.instanceOf(Error);
    down = false;
    await submit(h, 'a', ['line 2']);
    await h.clock.advance(10_001);
    expect([...h.closed.values()]).to.deep.equal([['line 0', 'line 1', 'line 2']]);
    await h.stop();
  });

  it('a file that ends while a write has no verdict is not closed without it (schedule 6)', async () => {
    let answer: () => void = () => undefined;
    let inserts = 0;
    const h = await harness({
      faults: async (effect, when) => {
        if (effect !== 'journal.insert' || when === 'before' || (inserts += 1) !== 2) return;
        await new Promise<void>((resolve) => { answer = resolve; });
        throw new UnknownOutcomeError('no answer');
      },
    });
    await submit(h, 'a', ['1']);
    const key = { key: 'k', bodySha256: bodySha256('2') };
    const lost = submit(h, 'a', ['2'], { key }).catch((error: unknown) => error);
    await until(() => inserts === 2);
    await h.clock.advance(10_001);
    expect(h.requests, 'the block is stored, and nobody knows').to.deep.equal([]);
    answer();
    expect(await lost).to.be.instanceOf(Error);
    await h.clock.advance(2_001);
    expect([...h.closed.values()]).to.deep.equal([['1', '2']]);
    expect(await submit(h, 'a', ['2'], { key })).to.include({ outcome: 'repeated' });
    await h.stop();
  });

  it('a step of the clock neither ends a file early nor keeps it open (schedule 37)', async () => {
    const h = await harness();
    await submit(h, 'a', ['1']);
    h.clock.step(3_600_000);
    await h.clock.advance(9_000);
    expect(h.requests).to.deep.equal([]);
    h.clock.step(-7_200_000);
    await h.clock.advance(1_001);
    expect(h.requests).to.have.length(1);
    await h.stop();
  });

  it('a changed age counts from when a file began, whatever the clock did since (schedule 37)', async () => {
    const h = await harness();
    await submit(h, 'a', ['1']);
    h.clock.step(3_600_000);
    await h.clock.advance(4_000);
    h.settings.change({ files: { maxAgeMs: 6_000 } });
    await h.clock.advance(1_900);
    expect(h.requests).to.deep.equal([]);
    await h.clock.advance(200);
    expect(h.requests).to.have.length(1);
    await h.stop();
  });

  it('a file does not go on in another lane (schedule 42: closed by the recovery of the first)', async () => {
    let lost = false;
    const h = await harness({
      faults: (effect) => { if (lost && effect === 'journal.insert') throw new UnknownOutcomeError('time-out'); },
    });
    const [before] = filesOf(await submit(h, 'a', ['1']));
    lost = true;
    await submit(h, 'a', ['lost']).catch(() => undefined);
    lost = false;
    await h.clock.advance(1_000);
    const [after] = filesOf(await submit(h, 'a', ['2']));
    expect(after).not.to.equal(before);
    expect(h.closed.get(before ?? ''), 'closed from the first lane alone').to.deep.equal(['1']);
    expect((await h.storedLines()).sort()).to.deep.equal(['1', '2']);
    await h.stop();
  });

  it('a file that is old waits for the blocks of a request that are on their way (schedule 43)', async () => {
    const held: (() => void)[] = [];
    let inserts = 0;
    const h = await harness({
      faults: async (effect, when) => {
        if (effect !== 'journal.insert' || when === 'after' || (inserts += 1) === 1) return;
        await new Promise<void>((resolve) => { held.push(resolve); });
      },
    });
    const lines = Array.from({ length: 10_000 }, (_, i) => `line ${i} ${'x'.repeat(1_000)}`);
    const [firstHalf, secondHalf] = [lines.slice(0, 5_000), lines.slice(5_000)]
      .map((part) => ({ lines: part.length, raw: Buffer.from(part.map((line) => `${line}\n`).join('')) }));
    if (firstHalf === undefined || secondHalf === undefined) throw new Error('there are two halves');
    const answer = submit(h, 'a', [], { runs: [firstHalf, secondHalf] });
    await until(() => held.length === 1);
    await h.clock.advance(10_001);
    expect(h.requests, 'one block is stored, one on its way').to.deep.equal([]);
    held[0]?.();
    await answer;
    await settle();
    await until(() => h.closed.size === 1);
    expect([...h.closed.values()][0]).to.deep.equal(lines);
    await h.stop();
  });
});
