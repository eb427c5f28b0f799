import { expect } from 'chai';
import { MemoryStore } from '../../../src/archive/memory-store';
import { MemoryVolume } from '../../../src/archive/memory-volume';
import { LimitError, UnavailableError, UnknownOutcomeError } from '../../../src/errors';
import type { LaneResult } from '../../../src/producer/group-commit';
import { IntakeError } from '../../../src/producer/intake-error';
import { settle } from '../../support/manual-clock';
import { bodySha256, harness, type Harness, requestOf, until } from './harness';

type Fault = (effect: string, when: 'before' | 'after') => void | Promise<void>;

/** A fault that a test changes while it runs. */
function switchable(): { fault: Fault; readonly faults: Fault } {
  const made: { fault: Fault } = { fault: () => undefined };
  return Object.assign(made, { faults: (effect: string, when: 'before' | 'after') => made.fault(effect, when) });
}

async function refused(promise: Promise<unknown>): Promise<IntakeError> {
  const error: unknown = await promise.then(() => undefined, (thrown: unknown) => thrown);
  expect(error).to.be.instanceOf(IntakeError);
  return error as IntakeError;
}

/** submit as the intake calls it: also a throw is a rejection. */
const submit = async (h: Harness, ...args: Parameters<typeof requestOf>): Promise<LaneResult> =>
  h.lanes.submit(requestOf(...args));

describe('lanes', () => {
  it('merges what arrives while a write is in flight, one write at a time', async () => {
    let inFlight = 0;
    let most = 0;
    let release: (() => void)[] = [];
    const h = await harness({
      faults: async (effect, when) => {
        if (effect !== 'journal.insert') return;
        if (when === 'after') { inFlight -= 1; return; }
        inFlight += 1;
        most = Math.max(most, inFlight);
        await new Promise<void>((resolve) => { release.push(resolve); });
      },
    });
    const answers = Array.from({ length: 50 }, (_value, index) => submit(h, `s${index % 5}`, [`line ${index}`]));
    for (let round = 0; round < 10; round += 1) {
      await settle();
      const now = release;
      release = [];
      for (const go of now) go();
    }
    await Promise.all(answers);
    expect(most).to.equal(1);
    const lane = [...h.volume.store.journal.values()][0];
    expect([...(lane?.keys() ?? [])]).to.deep.equal([0, 1]);
    expect((await h.storedLines()).sort()).to.deep.equal(Array.from({ length: 50 }, (_value, index) => `line ${index}`).sort());
  });

  it('keeps lines of one source in one file until it is old, then closes all files of the lane together', async () => {
    const h = await harness();
    const first = await submit(h, 'a', ['1', '2']);
    await submit(h, 'b', ['3']);
    await h.clock.advance(9_000);
    const second = await submit(h, 'a', ['4']);
    expect(second).to.deep.equal(first);
    expect(h.lanes.openFiles).to.equal(2);
    await h.clock.advance(1_001);
    expect(h.requests).to.have.length(1);
    expect([...h.closed.values()].sort()).to.deep.equal([['1', '2', '4'], ['3']]);
    expect(h.queued).to.have.length(2);
    expect(h.lanes.openFiles).to.equal(0);
    expect(await submit(h, 'a', ['5'])).to.not.deep.equal(first);
    expect(await h.storedLines()).to.have.length(5);
  });

  it('closes a hot file alone at maxLines and spreads a request over files', async () => {
    const h = await harness({ settings: { intake: { lanes: 1 }, files: { maxLines: 1000 } } });
    const lines = Array.from({ length: 2_500 }, (_value, index) => `line ${index}`);
    await submit(h, 'quiet', ['q']);
    const answer = await submit(h, 'hot', lines);
    expect(answer.outcome === 'stored' && answer.files.length).to.equal(3);
    await until(() => h.closed.size === 2);
    expect([...h.closed.values()].map((closed) => closed.length)).to.deep.equal([1000, 1000]);
    await h.clock.advance(10_001);
    await until(() => h.closed.size === 4);
    expect([...h.closed.values()].map((closed) => closed.length)).to.deep.equal([1000, 1000, 1, 500]);
    expect((await h.storedLines()).sort()).to.deep.equal([...lines, 'q'].sort());
  });

  it('gives 503 to all and seals when the outcome is unknown, whether it was stored or not, and goes on in a new lane', async () => {
    for (const when of ['before', 'after'] as const) {
      const s = switchable();
      const h = await harness({ faults: s.faults });
      await submit(h, 'a', ['kept']);
      s.fault = (effect, at) => { if (effect === 'journal.insert' && at === when) throw new UnknownOutcomeError('time-out'); };
      const lost = await Promise.all([refused(submit(h, 'a', ['x'])), refused(submit(h, 'b', ['y']))]);
      expect(lost.map((error) => error.status)).to.deep.equal([503, 503]);
      expect(lost[0]?.retryAfterSeconds).to.be.greaterThan(0);
      s.fault = () => undefined;
      await settle();
      await h.clock.advance(1_000);
      expect(await submit(h, 'a', ['again'])).to.have.property('outcome', 'stored');
      expect(h.volume.store.lanes.size).to.equal(2);
      const first = [...h.volume.store.lanes.values()][0];
      expect(first?.sealedAt).to.equal(when === 'before' ? 1 : 2);
      const stored = await h.storedLines();
      expect(stored).to.include.members(['kept', 'again']);
      expect([...h.closed.values()].flat()).to.include('kept');
      expect(stored.length).to.equal(new Set(stored).size);
    }
  });

  it('takes nothing on a lane whose seal is not confirmed', async () => {
    const s = switchable();
    const h = await harness({ faults: s.faults });
    await submit(h, 'a', ['1']);
    s.fault = (effect) => {
      if (effect === 'journal.insert' || effect === 'journal.seal') throw new UnknownOutcomeError('time-out');
    };
    await refused(submit(h, 'a', ['2']));
    s.fault = (effect) => { if (effect === 'journal.seal') throw new UnavailableError('no primary'); };
    for (let round = 0; round < 5; round += 1) {
      await h.clock.advance(1_000);
      expect((await refused(submit(h, 'a', ['3']))).status).to.equal(503);
    }
    s.fault = () => undefined;
    await h.clock.advance(3_000);
    expect(await submit(h, 'a', ['4'])).to.have.property('outcome', 'stored');
    expect((await h.storedLines()).sort()).to.deep.equal(['1', '4']);
  });

  it('uses the number again after a definite failure: no hole, no seal', async () => {
    const s = switchable();
    const h = await harness({ faults: s.faults });
    s.fault = (effect) => { if (effect === 'journal.insert') throw new UnavailableError('no primary'); };
    expect((await refused(submit(h, 'a', ['1']))).code).to.equal('archive-unavailable');
    s.fault = () => undefined;
    expect(await submit(h, 'a', ['2'])).to.have.property('outcome', 'stored');
    expect(h.volume.store.lanes.size).to.equal(1);
    expect([...(h.volume.store.journal.values().next().value?.keys() ?? [])]).to.deep.equal([0]);
    await h.clock.advance(10_001);
    expect([...h.closed.values()]).to.deep.equal([['2']]);
  });

  it('takes out the one request that can not be stored; its neighbours are stored (schedule 30)', async () => {
    const h = await harness();
    const insert = h.volume.journal.insert.bind(h.volume.journal);
    h.volume.journal.insert = async (blocks, key) => {
      if (blocks.some((block) => block.segments.some((segment) => segment.source.name === 'poison'))) throw new LimitError('too large');
      return insert(blocks, key);
    };
    const answers = await Promise.allSettled(['a', 'b', 'poison', 'c', 'd', 'e', 'f'].map((source) => submit(h, source, [source])));
    expect(answers.map(({ status }) => status)).to.deep.equal(
      ['fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled', 'fulfilled', 'fulfilled']);
    expect((await h.storedLines()).sort()).to.deep.equal(['a', 'b', 'c', 'd', 'e', 'f']);
    expect(h.volume.store.lanes.size).to.equal(1);
  });

  it('answers a repeated key from its record and reuses the number (schedules 15, 41)', async () => {
    const h = await harness();
    const key = { key: 'k', bodySha256: bodySha256('1\n') };
    const first = await submit(h, 'a', ['1'], { key });
    const again = await Promise.all([submit(h, 'a', ['1'], { key }), submit(h, 'a', ['1'], { key }), submit(h, 'a', ['2'])]);
    expect(first).to.have.property('outcome', 'stored');
    expect(again.map((result) => result.outcome)).to.deep.equal(['repeated', 'repeated', 'stored']);
    if (again[0]?.outcome === 'repeated' && first.outcome === 'stored') expect(again[0].record.answer.files).to.deep.equal(first.files);
    expect((await h.storedLines()).sort()).to.deep.equal(['1', '2']);
    expect(h.volume.store.lanes.size).to.equal(1);
    await h.clock.advance(10_001);
    expect(h.lanes.openFiles).to.equal(0);
  });

  it('stores a keyed body of several blocks and its key at once', async () => {
    const h = await harness();
    const run = (text: string) => ({ lines: 1, raw: Buffer.from(`${text}\n`) });
    const result = await submit(h, 'a', [], { runs: [run('1'), run('2'), run('3')], key: { key: 'k', bodySha256: 'x' } });
    expect(result.outcome).to.equal('stored');
    expect([...(h.volume.store.journal.values().next().value?.keys() ?? [])]).to.deep.equal([0, 1, 2]);
    expect([...h.volume.store.keys.values()][0]?.answer).to.include({ lines: 3, bytes: 6 });
  });

  it('stores a keyed body of several blocks, in the last of which a file begins and is full at once', async () => {
    const h = await harness({ settings: { intake: { lanes: 1 }, files: { maxLines: 2 } } });
    const run = (...lines: readonly string[]) => ({
      lines: lines.length, raw: Buffer.from(lines.map((line) => `${line}\n`).join('')),
    });
    const runs = [run('1'), run('2', '3', '4', '5', '6')];
    const result = await submit(h, 'a', [], { runs, key: { key: 'k', bodySha256: 'x' } });
    expect(result.outcome).to.equal('stored');
    await h.clock.advance(10_001);
    await settle();
    expect([...h.closed.values()].flat().sort()).to.deep.equal(['1', '2', '3', '4', '5', '6']);
    expect(h.lanes.openFiles).to.equal(0);
  });

  it('begins a new incarnation when its session expires; nothing acknowledged is lost', async () => {
    const h = await harness();
    await submit(h, 'a', ['1']);
    const former = h.lanes.incarnationId;
    h.coordination.expireSession();
    h.coordination.loseConnection();
    h.coordination.reconnect();
    await settle();
    await h.clock.advance(3_000);
    expect(h.lanes.incarnationId).to.not.equal(former);
    expect(await submit(h, 'a', ['2'])).to.have.property('outcome', 'stored');
    expect(await h.coordination.children('/Lanes')).to.deep.equal([h.lanes.incarnationId]);
    expect([...h.closed.values()]).to.deep.equal([['1']]);
    expect((await h.storedLines()).sort()).to.deep.equal(['1', '2']);
  });

  it('a producer that was paused and returns collides with the seal: 503, then a new incarnation (schedules 1, 39)', async () => {
    const store = new MemoryStore();
    const h = await harness({ volume: new MemoryVolume({ store }) });
    await submit(h, 'a', ['1']);
    const lane = [...store.lanes.keys()][0] ?? '';
    const recoverer = new MemoryVolume({ store });
    expect(await recoverer.journal.seal(lane)).to.equal(1);
    await recoverer.journal.release(lane, 0);
    const former = h.lanes.incarnationId;
    expect((await refused(submit(h, 'a', ['2']))).status).to.equal(503);
    await h.clock.advance(1_000);
    expect(h.lanes.incarnationId).to.not.equal(former);
    expect(await submit(h, 'a', ['3'])).to.have.property('outcome', 'stored');
    expect((await h.storedLines())).to.not.include('2');
  });

  it('goes on taking lines while closing fails, and closes later without losing any', async () => {
    const h = await harness({ settings: { intake: { lanes: 1 }, files: { maxAgeMs: 1_000 } } });
    h.failClosing = true;
    for (let round = 0; round < 5; round += 1) {
      expect(await submit(h, 'a', [`${round}`])).to.have.property('outcome', 'stored');
      await h.clock.advance(1_001);
    }
    expect(h.closed.size).to.equal(0);
    expect(h.lanes.pendingClosings).to.equal(5);
    h.failClosing = false;
    await h.clock.advance(60_000);
    expect(h.lanes.pendingClosings).to.equal(0);
    expect([...h.closed.values()].flat().sort()).to.deep.equal(['0', '1', '2', '3', '4']);
    expect(h.queued).to.have.length(5);
  });

  it('applies a changed maxAge to files that are open, and opens more lanes when told', async () => {
    const h = await harness({ settings: { intake: { lanes: 1 }, files: { maxAgeMs: 3_600_000 } } });
    await submit(h, 'a', ['1']);
    await h.clock.advance(20_000);
    expect(h.closed.size).to.equal(0);
    h.settings.change({ files: { maxAgeMs: 10_000 }, intake: { lanes: 3 } });
    await h.clock.advance(1);
    expect(h.closed.size).to.equal(1);
    expect(h.lanes.openLanes).to.equal(3);
  });

  it('ends gracefully: files closed, lanes sealed, node gone; twice is once', async () => {
    const h = await harness({ settings: { intake: { lanes: 2 } } });
    await Promise.all(['a', 'b', 'c', 'd'].map((source) => submit(h, source, [source])));
    await h.stop();
    await h.stop();
    expect([...h.closed.values()].flat().sort()).to.deep.equal(['a', 'b', 'c', 'd']);
    expect(await h.coordination.children('/Lanes')).to.deep.equal([]);
    for (const lane of h.volume.store.lanes.values()) expect(lane.sealedAt).to.be.a('number');
    expect((await refused(submit(h, 'a', ['late']))).status).to.equal(503);
  });

  it('fails an overdue request rather than let it wait for ever', async () => {
    const s = switchable();
    let release: () => void = () => undefined;
    const h = await harness({ faults: s.faults });
    s.fault = async (effect, when) => {
      if (effect === 'journal.insert' && when === 'before') await new Promise<void>((resolve) => { release = resolve; });
    };
    const first = submit(h, 'a', ['1']);
    await settle();
    const second = refused(submit(h, 'a', ['2']));
    await h.clock.advance(20_000);
    s.fault = () => undefined;
    const third = submit(h, 'a', ['3']);
    release();
    expect(await first).to.have.property('outcome', 'stored');
    expect((await second).code).to.equal('overloaded');
    expect(await third).to.have.property('outcome', 'stored');
  });
});
