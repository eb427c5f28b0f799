import { expect } from 'chai';
import { MemoryVolume } from '../../../src/archive/memory-volume';
import { Phase } from '../../../src/archive/states';
import { workOnFile } from '../../../src/consumer/file-work';
import { MemoryIndex } from '../../../src/index/memory-index';
import { COLLECTION, closeFile, fastClock, gated, running, workOptions } from './fixture';

const ID = 'c'.repeat(24);
const LINES = Array.from({ length: 14 }, (_, i) => `line ${i}`);
const REFUSED = 6;
const DELETED = 9;

/** A process that ends at its n-th step towards archive, index or queue: no later step of it takes effect. */
function mortal(steps: number): { gate: (step: string) => Promise<void>; died: Promise<void>; count: () => number } {
  let count = 0;
  let die: () => void = () => undefined;
  const died = new Promise<void>((resolve) => { die = resolve; });
  const gate = async (): Promise<void> => {
    count += 1;
    if (count < steps) return;
    die();
    await new Promise<never>(() => undefined);
  };
  return { gate, died, count: () => count };
}

describe('a consumer that dies between any two effects', function () {
  this.timeout(60_000);

  const world = async () => {
    const volume = new MemoryVolume();
    const index = new MemoryIndex({ refuse: ({ line }) => (line === REFUSED ? 'refused' : undefined) });
    await index.prepare(COLLECTION);
    await closeFile(volume, ID, [LINES], { tombstones: [[DELETED, DELETED]] });
    return { volume, index };
  };
  const work = (volume: MemoryVolume, index: MemoryIndex, gate: (step: string) => Promise<void>) => {
    const gatedVolume = {
      name: volume.name,
      files: gated(volume.files, 'files', gate),
      states: gated(volume.states, 'states', gate),
      ping: async () => volume.ping(),
    };
    // Many small batches in flight, and Position written often.
    const patch = { consumer: { batchDocuments: 4, batchesInFlight: 3, softCommitMs: 100_000, hardCommitMs: 200_000 } };
    return workOnFile(ID, running, workOptions(gatedVolume, gated(index, 'index', gate), { patch, clock: fastClock(60) }));
  };
  const expected = LINES.map((_, line) => line).filter((line) => line !== REFUSED && line !== DELETED);

  it('leaves neither gap nor double, nor a Position ahead of what is indexed', async () => {
    let steps = 0;
    for (let last = false; !last; ) {
      steps += 1;
      const { volume, index } = await world();
      const first = mortal(steps);
      last = await Promise.race([
        first.died.then(() => false),
        work(volume, index, first.gate).then(() => true),
      ]);
      // What the dead process left: everything below Position is indexed, deleted or set aside.
      await index.commit(COLLECTION, 'soft');
      const present = new Set(index.searchableIds(COLLECTION));
      const aside = new Set((await volume.states.setAsideLines({ limit: 100 })).map(({ line }) => line));
      const { position = -1 } = await volume.states.get(ID) ?? {};
      for (let line = 0; line < position; line += 1) {
        const accounted = present.has(`${ID}!${line}`) || aside.has(line) || line === DELETED;
        expect(accounted, `step ${steps}: line ${line} below Position ${position}`).to.equal(true);
      }
      // Another takes the file and ends its work.
      expect((await work(volume, index, async () => undefined)).kind).to.equal('finished');
      await index.commit(COLLECTION, 'soft');
      expect(index.searchableIds(COLLECTION)).to.deep.equal(expected.map((line) => `${ID}!${line}`).sort());
      expect((await volume.states.setAsideLines({ limit: 9 })).map(({ line }) => line)).to.deep.equal([REFUSED]);
      expect(await volume.states.get(ID)).to.include({ phase: Phase.indexed, position: 14, setAside: 1, attempts: 0 });
    }
    expect(steps).to.be.greaterThan(15);
  });

  it('is not mended by a dead predecessor that wakes up at any step (schedule 9)', async () => {
    for (let steps = 1; steps < 40; steps += 1) {
      const { volume, index } = await world();
      let wake: () => void = () => undefined;
      const asleep = new Promise<void>((resolve) => { wake = resolve; });
      let count = 0;
      let fall: () => void = () => undefined;
      const fell = new Promise<void>((resolve) => { fall = resolve; });
      const zombie = work(volume, index, async () => {
        count += 1;
        if (count < steps) return;
        fall();
        await asleep;
      });
      await Promise.race([fell, zombie]);
      expect((await work(volume, index, async () => undefined)).kind).to.equal('finished');
      const before = await volume.states.get(ID);
      wake();
      await zombie;
      const after = await volume.states.get(ID);
      if (before?.phase === Phase.indexed) {
        expect(after).to.include({ phase: Phase.indexed, position: 14, claim: before.claim });
      }
      await index.commit(COLLECTION, 'soft');
      expect(index.searchableIds(COLLECTION)).to.deep.equal(expected.map((line) => `${ID}!${line}`).sort());
    }
  });
});
