import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { FileBuilder } from '../../../src/archive/file-format';
import { containsLine, rangeLines } from '../../../src/archive/line-ranges';
import { MongodbVolume } from '../../../src/archive/mongodb-volume';
import type { FileState } from '../../../src/archive/states';
import { systemClock } from '../../../src/clock';
import type { LogIndex } from '../../../src/index/ports';
import { membersOf } from '../../../src/index/line-members';
import { createDeletion, previewDeletion, runDeletion } from '../../../src/retention/deletion';
import type { DeletionDependencies } from '../../../src/retention/deletion-dependencies';
import type { DeletionRequest } from '../../../src/retention/ports';
import { systemRandom } from '../../../src/random';
import { aDocument } from '../../conformance/index/log-index-suite';
import { servers } from '../../support/servers';
import { solrFixture, type SolrFixture } from '../../support/solr-collections';

describe('deletion in MongoDB and SolrCloud', function suite() {
  this.timeout(300_000);
  let fixture: SolrFixture;
  let volume: MongodbVolume;
  let collection: string;
  let dependencies: DeletionDependencies;

  before(async () => {
    const { mongodbUrl, solrUrl } = await servers();
    fixture = solrFixture(solrUrl);
    collection = fixture.newCollection();
    await fixture.index.prepare(collection, { shards: 1, replicas: 1 });
    volume = new MongodbVolume({
      name: 'test', url: mongodbUrl, database: `test_${randomBytes(6).toString('hex')}`, clock: systemClock,
    });
    await volume.prepare();
    dependencies = {
      clock: systemClock, deletions: volume.deletions, volumes: [volume], index: fixture.index,
      collections: async () => [collection, 'test_that_is_not_there'],
      incarnationLives: async () => true, horizonMs: 200, settleMs: 100,
    };
  });

  after(async () => {
    await volume?.connection.db.dropDatabase();
    await volume?.close();
    await fixture?.close();
  });

  const close = async (source: string, lines: readonly string[]): Promise<FileState> => {
    const id = randomBytes(12).toString('hex');
    const receivedMs = systemClock.now();
    const segment = { id: `id-${source}`, name: source, indexed: true, timeZone: 'UTC' };
    const builder = new FileBuilder({ id, source: segment, volume: 'test', lane: 'lane' });
    await builder.add({ raw: Buffer.from(lines.map((line) => `${line}\n`).join('')), lines: lines.length, receivedMs });
    const { description, content } = await builder.finish(receivedMs);
    const state: FileState = {
      id, phase: 'closed', sourceId: segment.id, sourceName: source, volume: 'test', lane: 'lane', lines: lines.length,
      firstReceivedMs: receivedMs, lastReceivedMs: receivedMs, closedMs: receivedMs, collection, definitions: 'v1',
      timeZone: 'UTC', maxIndexedLineBytes: 32_768, claim: 0, position: 0, attempts: 0, queuedMs: 0, progressMs: 0,
      tombstones: [], tombstoneVersion: 0, setAside: 0,
    };
    expect(await volume.states.close([{ description, content, state }])).to.deep.equal({ outcome: 'closed' });
    return state;
  };

  /** What a consumer does: claim, send what no tombstone covers, mark, verify. */
  const indexFile = async (id: string, lines: readonly string[], verify = true): Promise<void> => {
    const state = await volume.states.claim(id, systemClock.now());
    if (state === undefined) throw new Error('no state');
    const documents = lines.map((text, line) => aDocument(id, line, {
      text, source: state.sourceName, sourceId: state.sourceId, receivedMs: state.firstReceivedMs,
      found: membersOf({ nth: line }, []),
    })).filter(({ line }) => !containsLine(state.tombstones, line));
    for (let from = 0; from < documents.length; from += 5_000) {
      await fixture.index.add(collection, documents.slice(from, from + 5_000));
    }
    await volume.states.markIndexed(id, state.claim, systemClock.now());
    if (!verify) return;
    await fixture.index.commit(collection, 'hard');
    const { tombstones, tombstoneVersion, claim } = (await volume.states.get(id)) ?? state;
    expect((await fixture.index.sums(collection, [id])).get(id)?.count).to.equal(lines.length - rangeLines(tombstones));
    expect(await volume.states.markVerified(id, claim, tombstoneVersion)).to.equal(true);
  };

  const untilDone = async (request: DeletionRequest): Promise<DeletionRequest> => {
    let current = request;
    for (let pass = 0; pass < 50 && current.state === 'pending'; pass += 1) {
      current = await runDeletion(current, dependencies);
      await systemClock.sleep(50);
    }
    expect(current.state).to.equal('done');
    return current;
  };
  const count = async (text: string): Promise<number> => {
    await fixture.index.commit(collection, 'soft');
    return (await fixture.index.search([collection], { query: { text }, rows: 0 })).count;
  };

  it('deletes 50,000 lines of a source, killed in the middle and repeated, and touches no other', async () => {
    const many = Array.from({ length: 25_000 }, (_, i) => `line ${String(i)} of many`);
    const states = [await close('doomed', many), await close('doomed', many), await close('other', ['a', 'b'])];
    for (const [i, state] of states.entries()) await indexFile(state.id, i === 2 ? ['a', 'b'] : many);
    expect(await previewDeletion({ text: 'source:doomed' }, dependencies)).to.deep.equal({ lines: 50_000, files: 2 });
    const request = await createDeletion(
      { text: 'source:doomed' }, 'test', { clock: systemClock, deletions: volume.deletions, random: systemRandom });
    // Dies after its third removal: the index's answer never comes.
    let removals = 0;
    const dying: LogIndex = {
      ...fixture.index,
      removeIds: async (name, ids) => {
        removals += 1;
        if (removals === 2) throw new Error('killed');
        await fixture.index.removeIds(name, ids);
      },
    };
    const failure = await runDeletion(request, { ...dependencies, index: dying }).catch((error: unknown) => error);
    expect(failure).to.be.instanceOf(Error);
    const done = await untilDone((await volume.deletions.get(request.id)) ?? request);
    expect(await count('source:doomed')).to.equal(0);
    expect(await count('source:other')).to.equal(2);
    expect(await volume.files.list({ sourceName: 'doomed', limit: 10 })).to.deep.equal([]);
    expect((await volume.files.list({ sourceName: 'other', limit: 10 })).map(({ RemLines }) => RemLines)).to.deep.equal([2]);
    expect(await volume.deletions.get(request.id)).to.deep.equal(done);
  });

  it('deletes by a tag while lines are still being indexed: none comes back, the others stay (schedules 3, 19, 22)', async () => {
    const lines = Array.from({ length: 1_000 }, (_, i) => `event ${String(i)}`);
    const state = await close('busy', lines);
    const half = lines.slice(0, 500).map((text, line) => aDocument(state.id, line, {
      text, source: 'busy', sourceId: state.sourceId, receivedMs: state.firstReceivedMs, found: membersOf({ nth: line }, []),
    }));
    await fixture.index.add(collection, half);
    const request = await createDeletion(
      { text: 'source:busy nth:[400 TO 599]' }, 'test',
      { clock: systemClock, deletions: volume.deletions, random: systemRandom });
    const first = await runDeletion(request, dependencies);
    expect([first.state, first.lines, first.files]).to.deep.equal(['pending', 100, 1]);
    expect((await volume.files.describe(state.id))?.RemLines).to.equal(900);
    await indexFile(state.id, lines);
    expect(await count('source:busy nth:[400 TO 499]')).to.equal(0);
    expect(await count('source:busy nth:[500 TO 599]')).to.equal(100);
    const done = await untilDone(first);
    expect([done.lines, await count('source:busy')]).to.deep.equal([200, 800]);
    expect((await volume.states.get(state.id))?.tombstones).to.deep.equal([[400, 599]]);
    expect((await volume.files.describe(state.id))?.RemLines).to.equal(800);
  });
});
