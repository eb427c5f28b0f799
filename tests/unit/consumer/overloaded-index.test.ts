import { expect } from 'chai';
import { Registry } from 'prom-client';
import { CommitPolicy } from '../../../src/consumer/commit-policy';
import { Indexer } from '../../../src/consumer/indexer';
import { createConsumerMetrics } from '../../../src/consumer/metrics';
import { UnknownOutcomeError } from '../../../src/errors';
import { MemoryIndex } from '../../../src/index/memory-index';
import type { IndexDocument, Refusal } from '../../../src/index/ports';
import { silentLog } from '../../../src/log';
import { systemRandom } from '../../../src/random';
import { MemorySettings } from '../../../src/registry/memory-settings';
import { ManualClock } from '../../support/manual-clock';
import { COLLECTION, RECEIVED, running } from './fixture';

const ANSWER_WITHIN_MS = 8_000;
const TICK_MS = 100;

/** Shares what it can do among all requests, and goes on with those whose sender has given up, as a server does. */
class SlowIndex extends MemoryIndex {
  private readonly work = new Set<{ left: number; readonly end: () => void }>();

  constructor(private readonly clock: ManualClock, private readonly documentsPerSecond: number) {
    super();
    this.tick();
  }

  override add(collection: string, documents: readonly IndexDocument[]): Promise<readonly Refusal[]> {
    return new Promise((resolve, reject) => {
      const giveUp = this.clock.timer(ANSWER_WITHIN_MS, () => { reject(new UnknownOutcomeError('no answer in time')); });
      this.work.add({ left: documents.length, end: () => {
        giveUp();
        super.add(collection, documents).then(resolve, reject);
      } });
    });
  }

  private tick(): void {
    const share = this.documentsPerSecond * TICK_MS / 1_000 / Math.max(1, this.work.size);
    for (const request of this.work) {
      request.left -= share;
      if (request.left > 0) continue;
      this.work.delete(request);
      request.end();
    }
    this.clock.timer(TICK_MS, () => { this.tick(); });
  }
}

function slice(n: number, size: number): readonly IndexDocument[] {
  return Array.from({ length: size }, (_, line) => ({
    id: `f${n}!${line}`, fileId: `f${n}`, line, sourceId: 's', source: 'web', dateMs: RECEIVED, receivedMs: RECEIVED,
    text: 'a line', truncated: false, found: '', definitions: '1',
  }));
}

interface Load { readonly indexers: number; readonly slices: number; readonly documentsPerSecond: number }

/** Writes all slices, each again after a pause when it failed, as files are taken again; returns how long it took. */
async function secondsToWrite(
  { indexers, slices, documentsPerSecond }: Load, size: number, limitS: number,
): Promise<number> {
  const clock = new ManualClock();
  const index = new SlowIndex(clock, documentsPerSecond);
  await index.prepare(COLLECTION);
  const settings = new MemorySettings({ consumer: { batchesInFlight: 4 } });
  let left = indexers * slices;
  for (let number = 0; number < indexers; number += 1) {
    const parts = { index, settings, clock, metrics: createConsumerMetrics(new Registry()) };
    const commits = new CommitPolicy({ ...parts, log: silentLog });
    const indexer = new Indexer({ ...parts, random: systemRandom, commits });
    const write = async (n: number): Promise<void> => {
      for (;;) {
        const sent = indexer.write(COLLECTION, slice(n, size), { signal: running, confirm: async () => undefined });
        if (await sent.then(() => true, () => false)) break;
        await clock.sleep(2_000);
      }
      left -= 1;
    };
    for (let n = 0; n < slices; n += 1) void write(number * slices + n);
  }
  let seconds = 0;
  for (; left > 0 && seconds < limitS; seconds += 1) await clock.advance(1_000);
  return seconds;
}

describe('Indexer, behind an index that is slower than requests may take', () => {
  it('gets everything in, in a time that the index itself needs a few times over', async () => {
    // Four requests of two slices at once would take 67 s each; 3,000 documents at 30 a second need 100 s.
    const load = { indexers: 3, slices: 4, documentsPerSecond: 30 };
    expect(await secondsToWrite(load, 250, 2_000)).to.be.below(400);
  }).timeout(20_000);

  it('is not slower than the index when that is quick', async () => {
    const load = { indexers: 1, slices: 40, documentsPerSecond: 10_000 };
    expect(await secondsToWrite(load, 250, 60)).to.be.at.most(6);
  }).timeout(20_000);
});
