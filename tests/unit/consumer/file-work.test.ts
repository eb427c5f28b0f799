import { expect } from 'chai';
import { MemoryVolume } from '../../../src/archive/memory-volume';
import { Phase } from '../../../src/archive/states';
import { systemClock, type Clock } from '../../../src/clock';
import { workOnFile } from '../../../src/consumer/file-work';
import { CorruptionError, InputError, UnavailableError, UnknownOutcomeError } from '../../../src/errors';
import { MemoryIndex } from '../../../src/index/memory-index';
import type { IndexDocument, LogIndex } from '../../../src/index/ports';
import type { NormaliserPool } from '../../../src/normaliser/ports';
import { COLLECTION, closeFile, gated, running, wordNormaliser, workOptions } from './fixture';

const ID = 'a'.repeat(24);
const LINES = Array.from({ length: 23 }, (_, i) => `line ${i}`);
const idsOf = (lines: readonly number[]): string[] => lines.map((line) => `${ID}!${line}`).sort();
const numbers = (to: number): number[] => Array.from({ length: to }, (_, i) => i);

/** The index, with something that happens before each batch. */
function beforeAdd(index: LogIndex, check: (documents: readonly IndexDocument[]) => void): LogIndex {
  const add: LogIndex['add'] = async (collection, documents) => {
    check(documents);
    return index.add(collection, documents);
  };
  return Object.assign(Object.create(index) as LogIndex, { add });
}

describe('work on a file', function () {
  this.timeout(30_000);
  let volume: MemoryVolume;
  let index: MemoryIndex;
  let refused: Set<number>;

  beforeEach(async () => {
    volume = new MemoryVolume();
    refused = new Set();
    index = new MemoryIndex({ refuse: ({ line }) => (refused.has(line) ? 'no such field' : undefined) });
    await index.prepare(COLLECTION);
  });

  const indexed = async (): Promise<readonly string[]> => {
    await index.commit(COLLECTION, 'soft');
    return index.searchableIds(COLLECTION);
  };

  it('indexes every line and says so in the state', async () => {
    await closeFile(volume, ID, [LINES.slice(0, 10), LINES.slice(10)]);
    const outcome = await workOnFile(ID, running, workOptions(volume, index));
    expect(outcome).to.deep.equal({ kind: 'finished', phase: Phase.indexed });
    expect(await indexed()).to.deep.equal(idsOf(numbers(23)));
    expect(await volume.states.get(ID)).to.include({ phase: Phase.indexed, position: 23, claim: 1, attempts: 0 });
  });

  it('leaves deleted lines out and numbers the others as ever (schedule 19)', async () => {
    await closeFile(volume, ID, [LINES], { tombstones: [[0, 3], [7, 7], [20, 22]] });
    await workOnFile(ID, running, workOptions(volume, index));
    expect(await indexed()).to.deep.equal(idsOf([4, 5, 6, ...numbers(20).slice(8)]));
    expect((await volume.states.get(ID))?.position).to.equal(23);
  });

  it('finishes a file whose lines are all deleted', async () => {
    await closeFile(volume, ID, [LINES], { tombstones: [[0, 22]] });
    expect((await workOnFile(ID, running, workOptions(volume, index))).kind).to.equal('finished');
    expect(await indexed()).to.deep.equal([]);
  });

  it('has nothing to do for files that are done, whatever the queue says', async () => {
    for (const phase of [Phase.indexed, Phase.verified, Phase.gone, Phase.archived]) {
      const id = phase.padEnd(24, '0');
      await closeFile(volume, id, [LINES], { phase });
      const options = workOptions(volume, index);
      expect(await workOnFile(id, running, options)).to.deep.equal({ kind: 'finished', phase });
      expect(options.buried).to.deep.equal([]);
    }
    expect(await indexed()).to.deep.equal([]);
  });

  it('leaves a file without a state in the queue: a read may be stale (schedule 12)', async () => {
    expect(await workOnFile(ID, running, workOptions(volume, index))).to.deep.equal({ kind: 'left', reason: 'missing' });
  });

  it('is done with a file without a state that is so old that its state was dropped', async () => {
    const options = workOptions(volume, index);
    const madeSeconds = Math.floor(options.clock.now() / 1_000);
    const idOf = (ageDays: number): string =>
      (madeSeconds - ageDays * 86_400).toString(16).padStart(8, '0').slice(-8).padEnd(24, '0');
    expect(await workOnFile(idOf(3), running, options)).to.deep.equal({ kind: 'finished', phase: Phase.gone });
    expect(await workOnFile(idOf(1), running, options)).to.deep.equal({ kind: 'left', reason: 'missing' });
  });

  it('looks for the file in every volume', async () => {
    await closeFile(volume, ID, [LINES]);
    const options = workOptions(volume, index, { volumes: [new MemoryVolume(), volume] });
    expect((await workOnFile(ID, running, options)).kind).to.equal('finished');
  });

  it('sets refused lines aside with their reason and goes on (schedule 14)', async () => {
    refused = new Set([5, 22]);
    await closeFile(volume, ID, [LINES]);
    expect((await workOnFile(ID, running, workOptions(volume, index))).kind).to.equal('finished');
    expect(await indexed()).to.deep.equal(idsOf(numbers(23).filter((line) => !refused.has(line))));
    const aside = await volume.states.setAsideLines({ limit: 10 });
    expect(aside.map(({ line, reason }) => [line, reason])).to.deep.equal([[5, 'no such field'], [22, 'no such field']]);
    expect((await volume.states.get(ID))?.setAside).to.equal(2);
  });

  it('keeps Position before a refused line as long as that is not noted (schedule 14)', async () => {
    refused = new Set([5]);
    let full = true;
    volume = new MemoryVolume({
      faults: (effect) => { if (full && effect === 'states.setAside') throw new UnavailableError('the disk is full'); },
    });
    await closeFile(volume, ID, [LINES]);
    expect((await workOnFile(ID, running, workOptions(volume, index))).kind).to.equal('unavailable');
    expect((await volume.states.get(ID))?.position).to.be.at.most(5);
    full = false;
    expect((await workOnFile(ID, running, workOptions(volume, index))).kind).to.equal('finished');
    expect((await volume.states.setAsideLines({ limit: 10 })).map(({ line }) => line)).to.deep.equal([5]);
  });

  it('sets a whole batch aside, but not as long as the index refuses even an empty line', async () => {
    await closeFile(volume, ID, [LINES]);
    let broken = true;
    const ill = new MemoryIndex({
      refuse: ({ text }) => (broken ? 'unknown field "id"' : text === '' ? undefined : 'no such field'),
    });
    await ill.prepare(COLLECTION);
    const outcome = await workOnFile(ID, running, workOptions(volume, ill));
    expect(outcome.kind).to.equal('unavailable');
    expect(await volume.states.setAsideLines({ limit: 10 })).to.deep.equal([]);
    expect(await volume.states.get(ID)).to.include({ attempts: 0, position: 0, setAside: 0 });
    broken = false;
    expect((await workOnFile(ID, running, workOptions(volume, ill))).kind).to.equal('finished');
    expect(await volume.states.setAsideLines({ limit: 100 })).to.have.length(23);
    await ill.commit(COLLECTION, 'soft');
    expect((await ill.search([COLLECTION], { query: { text: '*' }, rows: 0 })).count, 'nothing is left of the test').to.equal(0);
  });

  it('judges set-aside lines anew when the file is indexed again, and takes back what was accepted before', async () => {
    refused = new Set([5]);
    await closeFile(volume, ID, [LINES]);
    await workOnFile(ID, running, workOptions(volume, index));
    refused = new Set([9]);
    expect(await volume.states.restart(ID, 1, 0)).to.equal(true);
    await workOnFile(ID, running, workOptions(volume, index));
    expect(await indexed()).to.deep.equal(idsOf(numbers(23).filter((line) => line !== 9)));
    expect((await volume.states.setAsideLines({ limit: 10 })).map(({ line }) => line)).to.deep.equal([9]);
  });

  it('never lets Position pass a batch that is not accepted (schedule 8)', async () => {
    await closeFile(volume, ID, [LINES]);
    const deaf = beforeAdd(index, (documents) => {
      // Nor the last lines: of a file that was sent to its end Position is not written on the way.
      if (documents.some(({ line }) => line === 8 || line > 20)) throw new UnavailableError('no answer');
    });
    const patch = { consumer: { batchDocuments: 2, batchesInFlight: 8 } };
    expect((await workOnFile(ID, running, workOptions(volume, deaf, { patch }))).kind).to.equal('unavailable');
    expect((await indexed()).length).to.be.greaterThan(10);
    const state = await volume.states.get(ID);
    expect(state).to.include({ attempts: 0, phase: Phase.closed });
    expect(state?.position).to.be.at.most(8);
    expect((await workOnFile(ID, running, workOptions(volume, index))).kind).to.equal('finished');
    expect(await indexed()).to.deep.equal(idsOf(numbers(23)));
  });

  it('sends a batch again of which half was applied', async () => {
    let effects = 0;
    const halting = new MemoryIndex({
      faults: (effect, when) => {
        if (effect !== 'index.add' || when !== 'before') return;
        effects += 1;
        if (effects % 3 === 2) throw new UnknownOutcomeError('the connection broke');
      },
    });
    await halting.prepare(COLLECTION);
    await closeFile(volume, ID, [LINES]);
    const patch = { consumer: { batchDocuments: 23, batchesInFlight: 1 } };
    expect((await workOnFile(ID, running, workOptions(volume, halting, { patch }))).kind).to.equal('finished');
    await halting.commit(COLLECTION, 'soft');
    expect(halting.searchableIds(COLLECTION)).to.deep.equal(idsOf(numbers(23)));
  });

  it('a zombie whose file was taken by another changes nothing (schedule 9)', async () => {
    await closeFile(volume, ID, [LINES]);
    let wake: () => void = () => undefined;
    const asleep = new Promise<void>((resolve) => { wake = resolve; });
    let slept = false;
    const slow = gated(index, 'index', async (step) => {
      if (step === 'index.add before') {
        slept = true;
        await asleep;
      }
    });
    const zombie = workOnFile(ID, running, workOptions(volume, slow));
    while (!slept) await new Promise((resolve) => setTimeout(resolve, 1));
    expect((await workOnFile(ID, running, workOptions(volume, index))).kind).to.equal('finished');
    expect(await volume.states.markVerified(ID, 2, 0)).to.equal(true);
    wake();
    expect(await zombie).to.deep.equal({ kind: 'left', reason: 'fenced' });
    expect(await volume.states.get(ID)).to.include({ phase: Phase.verified, claim: 2, position: 23, attempts: 0 });
    expect(await indexed()).to.deep.equal(idsOf(numbers(23)));
  });

  it('a zombie that slept while its file was deleted brings no line back (schedule 9)', async () => {
    await closeFile(volume, ID, [LINES]);
    let sleptMs = 0;
    const clock = Object.assign(Object.create(systemClock) as Clock, {
      monotonic: () => systemClock.monotonic() + sleptMs,
    });
    const normaliser: NormaliserPool = {
      ...wordNormaliser,
      normalise: async (version, inputs) => {
        if (sleptMs === 0) {
          sleptMs = 60_000;
          const { claim = 0 } = await volume.states.claim(ID, clock.now()) ?? {};
          const { tombstoneVersion } = await volume.states.bury(ID, [[0, LINES.length - 1]]);
          await volume.states.markIndexed(ID, claim, clock.now());
          await volume.states.markVerified(ID, claim, tombstoneVersion);
          await volume.states.removeIfEmpty(ID, clock.now());
        }
        return wordNormaliser.normalise(version, inputs);
      },
    };
    const outcome = await workOnFile(ID, running, workOptions(volume, index, { clock, normaliser }));
    expect(outcome).to.deep.equal({ kind: 'left', reason: 'fenced' });
    expect((await volume.states.get(ID))?.phase).to.equal(Phase.gone);
    expect(await indexed()).to.deep.equal([]);
  });

  it('a zombie that slept while a line that was refused to it was replayed leaves that line in the index', async () => {
    await closeFile(volume, ID, [LINES], { claim: 1 });
    refused.add(4);
    let sleptMs = 0;
    const clock = Object.assign(Object.create(systemClock) as Clock, {
      monotonic: () => systemClock.monotonic() + sleptMs,
    });
    const add: LogIndex['add'] = async (collection, documents) => {
      const refusals = await index.add(collection, documents);
      if (refusals.length > 0 && sleptMs === 0) {
        sleptMs = 60_000;
        refused.clear();
        expect((await workOnFile(ID, running, workOptions(volume, index))).kind).to.equal('finished');
      }
      return refusals;
    };
    const sleepy = Object.assign(Object.create(index) as LogIndex, { add });
    expect(await workOnFile(ID, running, workOptions(volume, sleepy, { clock })))
      .to.deep.equal({ kind: 'left', reason: 'fenced' });
    expect(await indexed()).to.deep.equal(idsOf(numbers(23)));
    expect(await volume.states.setAsideLines({ limit: 9 })).to.deep.equal([]);
  });

  it('stops under a lost fence and saves how far it came', async () => {
    await closeFile(volume, ID, [LINES]);
    const fence = new AbortController();
    let adds = 0;
    const counting = gated(index, 'index', async (step) => {
      if (step !== 'index.add after') return;
      adds += 1;
      if (adds === 2) fence.abort();
    });
    const options = workOptions(volume, counting, { patch: { consumer: { batchDocuments: 1, batchesInFlight: 1 } } });
    expect(await workOnFile(ID, fence.signal, options)).to.deep.equal({ kind: 'left', reason: 'stopped' });
    const { position = -1, phase } = await volume.states.get(ID) ?? {};
    expect(phase).to.equal(Phase.closed);
    expect(position).to.be.within(2, 22);
    expect((await workOnFile(ID, running, workOptions(volume, index))).kind).to.equal('finished');
    expect(await indexed()).to.deep.equal(idsOf(numbers(23)));
  });

  describe('that fails', () => {
    const broken = { ...wordNormaliser, normalise: async () => { throw new InputError('these definitions are broken'); } };

    it('is counted, and given up with a dead letter at the last attempt', async () => {
      await closeFile(volume, ID, [LINES]);
      const options = workOptions(volume, index, { normaliser: broken });
      for (const attempts of [1, 2, 3, 4]) {
        expect(await workOnFile(ID, running, options)).to.include({ kind: 'failed', attempts });
      }
      expect(await workOnFile(ID, running, options)).to.deep.equal({ kind: 'finished', phase: Phase.dead });
      expect(options.buried).to.have.length(1);
      expect(options.buried[0]).to.include({ fileId: ID, reason: 'these definitions are broken' });
      expect(await volume.states.get(ID)).to.include({ phase: Phase.dead, attempts: 5 });
    });

    it('is indexed from its first line after a replay', async () => {
      await closeFile(volume, ID, [LINES]);
      const options = workOptions(volume, index, { normaliser: broken });
      for (let i = 0; i < 5; i += 1) await workOnFile(ID, running, options);
      expect(await volume.states.revive(ID, 0)).to.equal(true);
      expect((await workOnFile(ID, running, workOptions(volume, index))).kind).to.equal('finished');
      expect(await indexed()).to.deep.equal(idsOf(numbers(23)));
    });

    it('writes the dead letter again when a crash kept it from being written', async () => {
      await closeFile(volume, ID, [LINES], { phase: Phase.dead, reason: 'broken' });
      const options = workOptions(volume, index);
      await workOnFile(ID, running, options);
      expect(options.buried.map((letter) => letter.reason)).to.deep.equal(['broken']);
    });

    it('is not blamed while archive or index are ill (schedule 29)', async () => {
      await closeFile(volume, ID, [LINES]);
      const options = workOptions(volume, index, { normaliser: broken, healthy: async () => false });
      for (let i = 0; i < 10; i += 1) {
        expect((await workOnFile(ID, running, options)).kind).to.equal('unavailable');
      }
      expect((await volume.states.get(ID))?.attempts).to.equal(0);
    });

    it('is not blamed when another has claimed it', async () => {
      await closeFile(volume, ID, [LINES]);
      const normaliser = {
        ...wordNormaliser,
        normalise: async () => {
          await volume.states.claim(ID, 0);
          throw new InputError('broken');
        },
      };
      const outcome = await workOnFile(ID, running, workOptions(volume, index, { normaliser }));
      expect(outcome).to.deep.equal({ kind: 'left', reason: 'fenced' });
      expect((await volume.states.get(ID))?.attempts).to.equal(0);
    });

    it('hangs no longer than the time without progress, and it is not held against the file', async () => {
      await closeFile(volume, ID, [LINES]);
      const normaliser = { ...wordNormaliser, normalise: () => new Promise<never>(() => undefined) };
      const patch = { consumer: { batchDocuments: 4, noProgressMs: 20_000 } };
      const outcome = await workOnFile(ID, running, workOptions(volume, index, { normaliser, patch }));
      expect(outcome.kind).to.equal('unavailable');
      expect((await volume.states.get(ID))?.attempts).to.equal(0);
    });

    it('by ending the whole process each time is given up too, without being read', async () => {
      await closeFile(volume, ID, [LINES]);
      for (let takes = 1; takes <= 4; takes += 1) await volume.states.claim(ID, 0);
      const lethal = { ...wordNormaliser, normalise: () => new Promise<never>(() => undefined) };
      for (let attempts = 1; attempts < 5; attempts += 1) {
        void workOnFile(ID, running, workOptions(volume, index, { normaliser: lethal }));
        while ((await volume.states.get(ID))?.attempts !== attempts) {
          await new Promise((resolve) => { setImmediate(resolve); });
        }
      }
      const options = workOptions(volume, index, { normaliser: lethal });
      expect(await workOnFile(ID, running, options)).to.deep.equal({ kind: 'finished', phase: Phase.dead });
      expect(options.buried[0]?.reason).to.match(/without an end/);
    });

    it('never is a file that verification or people restarted often', async () => {
      await closeFile(volume, ID, [LINES]);
      for (let round = 0; round < 12; round += 1) {
        expect((await workOnFile(ID, running, workOptions(volume, index))).kind).to.equal('finished');
        const { claim = 0 } = await volume.states.get(ID) ?? {};
        expect(await volume.states.restart(ID, claim, 0)).to.equal(true);
      }
      expect((await volume.states.get(ID))?.attempts).to.equal(0);
    });

    it('is refused when its blocks do not hold its lines', async () => {
      await closeFile(volume, ID, [LINES], { lines: 25 });
      expect(await workOnFile(ID, running, workOptions(volume, index))).to.include({ kind: 'failed' });
      expect((await volume.states.get(ID))?.phase).to.equal(Phase.closed);
    });

    it('is refused when it is missing from the archive', async () => {
      await closeFile(volume, ID, [LINES]);
      volume.store.files.delete(ID);
      const outcome = await workOnFile(ID, running, workOptions(volume, index));
      expect(outcome).to.include({ kind: 'failed', attempts: 1 });
    });

    it('does not harm the files that share its batch', async () => {
      const other = 'b'.repeat(24);
      await closeFile(volume, ID, [['x', 'poison', 'z']]);
      await closeFile(volume, other, [['1', '2', '3']]);
      const picky = beforeAdd(index, (documents) => {
      if (documents.some(({ text }) => text === 'poison')) throw new CorruptionError('not to be sent');
    });
      const options = workOptions(volume, picky, { patch: { consumer: { batchDocuments: 100 } } });
      const [bad, good] = await Promise.all([workOnFile(ID, running, options), workOnFile(other, running, options)]);
      expect(bad.kind).to.equal('failed');
      expect(good.kind).to.equal('finished');
    });
  });
});
