import { expect } from 'chai';
import { systemClock } from '../../../src/clock';
import { InputError, NotFoundError, UnavailableError } from '../../../src/errors';
import { readMembers } from '../../../src/index/line-members';
import { silentLog } from '../../../src/log';
import { definitionSetOf } from '../../../src/normaliser/definition-set';
import { memoryDefinitionStore } from '../../../src/normaliser/memory-definition-store';
import { createNormaliser } from '../../../src/normaliser/normaliser';
import { treatment } from '../../../src/normaliser/pattern-control';
import type { PatternOffence } from '../../../src/normaliser/pattern-offences';
import type { NormaliserInput } from '../../../src/normaliser/ports';
import { WorkerPool, type WorkerPoolOptions } from '../../../src/normaliser/worker-pool';
import { normalizerXml } from './definitions';
import { lineOf } from './results';

const WORDS = definitionSetOf([{ name: 'words.xml', xml: normalizerXml({ text: 'FIRST SECOND', tags: { FIRST: '\\w+', SECOND: '\\w+' } }) }]);
/** Exponential on a run of `a` that no `b` ends. */
const CATASTROPHIC = definitionSetOf([{ name: 'bad.xml', xml: normalizerXml({ text: 'RUN', tags: { RUN: '(?:a+)+b' } }) }]);
const BROKEN = definitionSetOf([{ name: 'broken.xml', xml: '<normalizer/>' }]);
const HOSTILE = 'a'.repeat(60);

function input(text: string): NormaliserInput {
  return { text, receivedMs: 0, timeZone: 'UTC' };
}

describe('WorkerPool', function () {
  // A thread compiles the sources when it starts, which takes seconds on a busy machine.
  this.timeout(300_000);
  let pool: WorkerPool;

  function open(options: Partial<WorkerPoolOptions> = {}): WorkerPool {
    pool = new WorkerPool({
      store: memoryDefinitionStore([WORDS, CATASTROPHIC, BROKEN]), clock: systemClock, log: silentLog, workers: 1,
      ...options,
    });
    return pool;
  }

  afterEach(async () => {
    await pool.close();
  });

  it('gives what the normaliser gives, in the order of the inputs, over many chunks', async () => {
    open({ workers: 2, chunkLines: 7 });
    const inputs = Array.from({ length: 100 }, (_, index) => input(index % 3 === 0 ? 'one' : `line n${index}`));
    const normaliser = createNormaliser(WORDS);
    const results = await pool.normalise(WORDS.version, inputs);
    expect(results).to.deep.equal(inputs.map((line) => lineOf(normaliser.normalise(line))));
    expect(pool.statistics()).to.deep.equal({ lines: 100, abandonedLines: 0, threadsLost: 0, queuedLines: 0 });
  });

  it('serves several versions at once', async () => {
    open();
    const [words, run] = await Promise.all([
      pool.normalise(WORDS.version, [input('a b')]),
      pool.normalise(CATASTROPHIC.version, [input('aab')]),
    ]);
    expect(readMembers(words[0]?.found ?? '').tags).to.deep.equal({ first: 'a', second: 'b' });
    expect(readMembers(run[0]?.found ?? '').tags).to.deep.equal({ run: 'aab' });
  });

  it('gives a line at which a pattern takes for ever what the pattern means, and names and suspends the pattern', async () => {
    const offences: PatternOffence[] = [];
    open({ lineBudgetMs: 200, offencesUntilSuspended: 2, onOffence: (offence) => { offences.push(offence); } });
    const lines = ['aab', 'ab', HOSTILE, 'aaab', 'x', `${HOSTILE}b`, HOSTILE, HOSTILE, HOSTILE];
    let ticks = 0;
    const beat = setInterval(() => { ticks += 1; }, 10);
    const results = await pool.normalise(CATASTROPHIC.version, lines.map(input));
    clearInterval(beat);
    expect(results.map(({ found }) => found === '')).to.deep.equal([false, false, true, false, true, false, true, true, true]);
    expect(results[2]).to.deep.equal({ dateMs: undefined, found: '' });
    expect(readMembers(results[5]?.found ?? '').tags).to.deep.equal({ run: `${HOSTILE}b` });
    expect(ticks, 'the caller kept running meanwhile').to.be.greaterThan(20);
    expect(pool.statistics()).to.include({ abandonedLines: 0, threadsLost: 2, queuedLines: 0 });
    expect(offences).to.have.length(2);
    expect(pool.patternOffences()).to.have.length(1);
    expect(pool.patternOffences()[0]).to.include({
      version: CATASTROPHIC.version, normalizer: 'test-1.0', pattern: 'p1', offences: 2, treatment: treatment.linear,
    });
    const again = await pool.normalise(CATASTROPHIC.version, lines.map(input));
    expect(again, 'the same before and after the suspension').to.deep.equal(results);
    expect(pool.statistics().threadsLost, 'suspended, it costs no more threads').to.equal(2);
  });

  it('blames nothing that waits behind such a line in the same thread', async () => {
    open({ lineBudgetMs: 200, offencesUntilSuspended: 2, chunkLines: 1 });
    const lines = ['ab', HOSTILE, 'aab', HOSTILE, 'aaab', 'x', HOSTILE, 'ab'];
    const results = await pool.normalise(CATASTROPHIC.version, lines.map(input));
    expect(results.map((line) => readMembers(line.found).tags.run)).to.deep.equal(['ab', undefined, 'aab', undefined, 'aaab', undefined, undefined, 'ab']);
    expect(pool.statistics()).to.deep.equal({ lines: 8, abandonedLines: 0, threadsLost: 2, queuedLines: 0 });
    expect(pool.patternOffences()).to.have.length(1);
  });

  it('refuses at its end what waits behind a line that costs the thread', async () => {
    open({ lineBudgetMs: 200, chunkLines: 1 });
    await pool.normalise(CATASTROPHIC.version, [input('ab')]);
    const ends = ['ab', HOSTILE, 'aab', 'ab', 'ab'].map((text) => (
      pool.normalise(CATASTROPHIC.version, [input(text)]).then(() => 'done', (error: unknown) => error)));
    await ends[0];
    await pool.close();
    const outcomes = await Promise.all(ends);
    expect(outcomes[0]).to.equal('done');
    for (const outcome of outcomes.slice(1)) {
      expect(outcome === 'done' || outcome instanceof UnavailableError, String(outcome)).to.equal(true);
    }
    expect(outcomes.at(-1)).to.be.instanceOf(UnavailableError);
  });

  it('loses no line when threads are ended again and again', async () => {
    // The thread seems to compute at each look, so that it is ended while it works on the hostile line.
    let cpuMs = 0;
    open({ lineBudgetMs: 200, threadCpuMs: () => (cpuMs += 150) });
    const results = await pool.normalise(CATASTROPHIC.version, ['ab', HOSTILE, 'aab'].map(input));
    expect(results.map(({ found }) => found === '')).to.deep.equal([false, true, false]);
  });

  it('does not blame a thread that waits for a processor, however long', async () => {
    open({ lineBudgetMs: 100, threadCpuMs: () => 1 });
    const slow = pool.normalise(CATASTROPHIC.version, [input(`${'a'.repeat(24)}`)]);
    expect((await slow)[0]?.found).to.equal('');
    expect(pool.statistics()).to.include({ abandonedLines: 0, threadsLost: 0 });
  });

  it('goes by the clock on the wall, generously, where computing time is unknown', async () => {
    open({ lineBudgetMs: 20, threadCpuMs: () => undefined, offencesUntilSuspended: 1 });
    const [hostile, good] = await pool.normalise(CATASTROPHIC.version, [input(HOSTILE), input('ab')]);
    expect(hostile?.found).to.equal('');
    expect(good?.found).to.contain('normalizers');
    expect(pool.statistics()).to.include({ abandonedLines: 0, threadsLost: 1 });
  });

  it('goes on with other lines while a catastrophic pattern costs threads, two at most', async () => {
    open({ workers: 2 });
    const ordinary = Array.from({ length: 256 }, () => input('one two'));
    await Promise.all([ordinary, ordinary].map((lines) => pool.normalise(WORDS.version, lines)));
    await Promise.all([0, 1].map(() => pool.normalise(CATASTROPHIC.version, [input('ab')])));
    const hostile = Array.from({ length: 64 }, () => input(HOSTILE));
    const started = systemClock.monotonic();
    let hostileMs = Infinity;
    const attack = pool.normalise(CATASTROPHIC.version, hostile).then((results) => {
      hostileMs = systemClock.monotonic() - started;
      return results;
    });
    let done = 0;
    while (hostileMs === Infinity) {
      await pool.normalise(WORDS.version, ordinary);
      done += ordinary.length;
    }
    expect((await attack).every(({ found }) => found === '')).to.equal(true);
    expect(pool.patternOffences().map(({ normalizer, offences }) => [normalizer, offences])).to.deep.equal([['test-1.0', 2]]);
    expect(done, 'the other lines went on').to.be.greaterThan(10 * ordinary.length);
    // Two budgets and the start of two threads, which compile the sources here: not the time of a built program.
    expect(hostileMs).to.be.lessThan(200_000);
  });

  it('rejects a version that was never saved, and one that cannot be compiled', async () => {
    open();
    await rejected(pool.normalise('0123456789abcdef', [input('x')]), NotFoundError);
    const error = await rejected(pool.normalise(BROKEN.version, [input('x')]), InputError);
    expect(error.message).to.contain('broken.xml:1');
    expect((await pool.normalise(WORDS.version, [input('a b')]))[0]?.found).to.contain('normalizers');
  });

  it('makes callers wait when full, refuses when too many wait, and admits a call larger than the queue alone', async () => {
    open({ queuedLines: 4, waitingCallers: 1 });
    const large = pool.normalise(WORDS.version, Array.from({ length: 10 }, () => input('a b')));
    const waiting = pool.normalise(WORDS.version, [input('c d')]);
    await rejected(pool.normalise(WORDS.version, [input('e f')]), UnavailableError);
    expect(await large).to.have.length(10);
    expect(await waiting).to.have.length(1);
    expect(pool.statistics().queuedLines).to.equal(0);
  });

  it('refuses after close, also what waits, and closes twice', async () => {
    open({ chunkLines: 1 });
    await pool.normalise(WORDS.version, [input('a b')]);
    const late = rejected(pool.normalise(WORDS.version, Array.from({ length: 50 }, () => input('a b'))), UnavailableError);
    await Promise.resolve();
    await pool.close();
    await late;
    await rejected(pool.normalise(WORDS.version, [input('a b')]), UnavailableError);
    await pool.close();
  });
});

async function rejected<T extends Error>(promise: Promise<unknown>, kind: new (...rest: never[]) => T): Promise<T> {
  try {
    await promise;
  } catch (error) {
    expect(error).to.be.instanceOf(kind);
    return error as T;
  }
  throw new Error('it did not reject');
}
