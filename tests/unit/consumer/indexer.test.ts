import { expect } from 'chai';
import { Registry } from 'prom-client';
import { systemClock } from '../../../src/clock';
import { CommitPolicy } from '../../../src/consumer/commit-policy';
import { Indexer } from '../../../src/consumer/indexer';
import { createConsumerMetrics } from '../../../src/consumer/metrics';
import { StoppedError } from '../../../src/consumer/stopped-error';
import { FencedError, UnavailableError, UnknownOutcomeError } from '../../../src/errors';
import { MemoryIndex } from '../../../src/index/memory-index';
import type { IndexDocument } from '../../../src/index/ports';
import { silentLog } from '../../../src/log';
import { systemRandom } from '../../../src/random';
import { MemorySettings } from '../../../src/registry/memory-settings';
import { COLLECTION, RECEIVED, running } from './fixture';

function documentsOf(fileId: string): readonly IndexDocument[] {
  return [0, 1].map((line) => ({
    id: `${fileId}!${line}`, fileId, line, sourceId: 's', source: 'web', dateMs: RECEIVED, receivedMs: RECEIVED,
    text: 'a line', truncated: false, found: '', definitions: '1',
  }));
}

/** Sends one batch at a time. */
function indexerOf(index: MemoryIndex, batchDocuments = 2): Indexer {
  const settings = new MemorySettings({ consumer: { batchDocuments, batchesInFlight: 1 } });
  const parts = { index, settings, clock: systemClock, metrics: createConsumerMetrics(new Registry()) };
  return new Indexer({ ...parts, random: systemRandom, commits: new CommitPolicy({ ...parts, log: silentLog }) });
}

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(() => undefined, (error: unknown) => error);
}

const ours = async (): Promise<void> => undefined;

describe('Indexer', () => {
  it('gives up at once what still waits, behind an index without answers, when its work is stopped', async () => {
    let answer = (): void => undefined;
    const answered = new Promise<void>((resolve) => { answer = resolve; });
    const index = new MemoryIndex({ faults: (effect) => (effect === 'index.add' ? answered : undefined) });
    await index.prepare(COLLECTION);
    const indexer = indexerOf(index);
    const stop = new AbortController();
    const sent = indexer.write(COLLECTION, documentsOf('sent'), { signal: stop.signal, confirm: ours });
    const waiting = indexer.write(COLLECTION, documentsOf('waiting'), { signal: stop.signal, confirm: ours });
    const other = indexer.write(COLLECTION, documentsOf('other'), { signal: running, confirm: ours });
    stop.abort();
    expect(await failureOf(waiting)).to.be.instanceOf(StoppedError);
    answer();
    // What was sent is waited for: its documents may be in the index.
    expect(await sent).to.deep.equal([]);
    expect(await other).to.deep.equal([]);
    await index.commit(COLLECTION, 'hard');
    const { hits } = await index.search([COLLECTION], { query: { text: '*' }, rows: 10 });
    expect(new Set(hits.map(({ fileID }) => fileID))).to.deep.equal(new Set(['sent', 'other']));
  });

  it('sets nothing aside when the index refuses everything from the middle of a batch on', async () => {
    const index = new MemoryIndex();
    await index.prepare(COLLECTION);
    const add = index.add.bind(index);
    const parts: number[] = [];
    index.add = (collection, documents) => {
      parts.push(documents.length);
      // The whole is not managed in time, so it is sent in parts.
      if (documents.length === 60) return Promise.reject(new UnknownOutcomeError('no answer in time'));
      return parts.length === 2 ? add(collection, documents)
        : Promise.resolve(documents.map(({ id }) => ({ id, reason: 'unknown field' })));
    };
    const indexer = indexerOf(index, 60);
    const documents = Array.from({ length: 30 }, (_, file) => documentsOf(`f${file}`)).flat();
    const failure = await failureOf(indexer.write(COLLECTION, documents, { signal: running, confirm: ours }));
    expect(failure).to.be.instanceOf(UnavailableError).with.property('message').that.includes('even an empty one');
    expect(parts.slice(0, 4)).to.deep.equal([60, 30, 30, 1]);
  });

  it('takes nothing from work that was stopped already', async () => {
    const late = indexerOf(new MemoryIndex()).write(
      COLLECTION, documentsOf('late'), { signal: AbortSignal.abort(), confirm: ours });
    expect(await failureOf(late)).to.be.instanceOf(StoppedError);
  });

  it('sends nothing of a file that is another\'s by now, and all others of its batch', async () => {
    const index = new MemoryIndex();
    await index.prepare(COLLECTION);
    const indexer = indexerOf(index, 100);
    const lost = (): Promise<void> => Promise.reject(new FencedError('the claim is over'));
    const mine = indexer.write(COLLECTION, documentsOf('mine'), { signal: running, confirm: ours });
    const another = indexer.write(COLLECTION, documentsOf('another'), { signal: running, confirm: lost });
    expect(await failureOf(another)).to.be.instanceOf(FencedError);
    expect(await mine).to.deep.equal([]);
    await index.commit(COLLECTION, 'hard');
    const { hits } = await index.search([COLLECTION], { query: { text: '*' }, rows: 10 });
    expect(new Set(hits.map(({ fileID }) => fileID))).to.deep.equal(new Set(['mine']));
  });
});
