import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { FileBuilder } from '../../../src/archive/file-format';
import type { Volume } from '../../../src/archive/volume';
import { runRound } from '../../../src/audit/auditor';
import type { AuditContext } from '../../../src/audit/context';
import type { Finding } from '../../../src/audit/finding';
import { Pace } from '../../../src/audit/pace';
import type { AuditRecords, Report } from '../../../src/audit/ports';
import { stagesOf } from '../../../src/audit/stages';
import { systemClock } from '../../../src/clock';
import { UnavailableError } from '../../../src/errors';
import type { LogIndex } from '../../../src/index/ports';
import { silentLog } from '../../../src/log';
import { itemPath } from '../../../src/queue/layout';
import { createQueueAdministration } from '../../../src/queue/queue-administration';
import { createQueueInventory } from '../../../src/queue/queue-inventory';
import { createQueueProducer } from '../../../src/queue/queue-producer';
import { createQueueTree } from '../../../src/queue/queue-tree';
import { systemRandom } from '../../../src/random';
import { Verifier } from '../../../src/recovery/verifier';
import type { Coordination } from '../../../src/registry/coordination';
import { block } from '../archive/samples';
import { aDocument } from '../index/log-index-suite';

/** Servers of a suite, empty, and how things go wrong in them behind the program's back. */
export interface AuditWorld {
  readonly volume: Volume;
  readonly index: LogIndex;
  readonly coordination: Coordination;
  readonly collection: string;
  readonly damage: {
    flipByte(fileId: string, at: number): Promise<void>;
    loseFile(fileId: string): Promise<void>;
    loseState(fileId: string): Promise<void>;
    loseSeal(lane: string): Promise<void>;
  };
  close(): Promise<void>;
}

const BUCKETS = 4;
const CLOSED_MS = Date.parse('2026-03-01T10:00:00Z');
/** The third block of a large file ends here or later. */
const LARGE_LINE = `${'x'.repeat(999)}\n`;

/** One run over one world: each kind of damage is planted, found, named, and repaired where that is possible. */
export function auditSuite(name: string, open: () => Promise<AuditWorld>): void {
  describe(`audit (${name})`, function suite() {
    this.timeout(120_000);
    let world: AuditWorld;
    let context: AuditContext;

    before(async () => {
      world = await open();
      const { volume, index, coordination, collection } = world;
      await createQueueTree(coordination, BUCKETS);
      await index.prepare(collection, { shards: 1, replicas: 1 });
      context = {
        volumes: [volume], index, collections: [collection], deletions: volume.deletions, clock: systemClock,
        queue: createQueueProducer({ coordination, clock: systemClock, random: systemRandom }),
        letters: createQueueAdministration(coordination), inventory: createQueueInventory(coordination),
        pace: new Pace({ clock: systemClock, readBytesPerSecond: () => 0, indexQueriesPerSecond: () => 0 }),
        stuckAfterMs: () => 60_000, attended: true,
      };
    });
    after(async () => { await world?.close(); });

    interface RoundOptions {
      readonly repair?: boolean;
      readonly records?: AuditRecords;
      readonly scope?: AuditContext['scope'];
    }

    async function round(
      { repair = false, records, scope }: RoundOptions = {},
    ): Promise<{ report: Report; all: Finding[] }> {
      const all: Finding[] = [];
      const report = await runRound({
        stages: stagesOf({ ...context, ...(scope === undefined ? {} : { scope }) }), clock: systemClock,
        random: systemRandom, repair, settleMs: 5, onFinding: (finding) => { all.push(finding); },
        ...(records === undefined ? {} : { records }),
      });
      if (report === undefined) throw new Error('the round did not end');
      return { report, all };
    }

    /** What this round finds and the former did not, as `kind subject`; and which of it was repaired. */
    let before_: ReadonlySet<string> = new Set();
    async function found(repair = false): Promise<readonly string[]> {
      const { all } = await round({ repair });
      const now = all.map(({ kind, fileId, lane, item, repair: how }) => `${kind} ${lane ?? fileId ?? item ?? ''} ${how}`);
      const fresh = now.filter((one) => !before_.has(one));
      before_ = new Set(now.filter((one) => !one.endsWith('done')));
      return fresh.sort();
    }

    async function close(lines: readonly string[], indexed = true): Promise<string> {
      const { volume, collection } = world;
      const id = randomBytes(12).toString('hex');
      const source = { id: 'source-1', name: 'web', indexed, timeZone: 'UTC' };
      const builder = new FileBuilder({ id, source, volume: volume.name, lane: 'lane-of-files' });
      for (const line of lines) await builder.add({ raw: Buffer.from(line), lines: 1, receivedMs: CLOSED_MS });
      const { description, content } = await builder.finish(CLOSED_MS);
      const state = {
        id, phase: indexed ? 'closed' as const : 'archived' as const, sourceId: source.id, sourceName: source.name,
        volume: volume.name, lane: 'lane-of-files', lines: lines.length, firstReceivedMs: CLOSED_MS,
        lastReceivedMs: CLOSED_MS, closedMs: CLOSED_MS, collection, definitions: 'v1', timeZone: 'UTC',
        maxIndexedLineBytes: 32_768, claim: 0, position: 0, attempts: 0, queuedMs: CLOSED_MS, progressMs: CLOSED_MS,
        tombstones: [], tombstoneVersion: 0, setAside: 0,
      };
      expect(await volume.states.close([{ description, content, state }])).to.deep.equal({ outcome: 'closed' });
      return id;
    }

    /** What a consumer does with it, and the verifier. */
    async function indexFile(id: string, refused: readonly number[] = []): Promise<void> {
      const { volume, index, collection } = world;
      const state = await volume.states.claim(id, CLOSED_MS);
      if (state === undefined) throw new Error(`no file ${id}`);
      const lines = [...Array(state.lines).keys()].filter((line) => !refused.includes(line));
      await index.add(collection, lines.map((line) => aDocument(id, line)));
      for (const line of refused) await volume.states.setAside({ fileId: id, line, reason: 'refused', atMs: CLOSED_MS });
      await volume.states.markIndexed(id, state.claim, CLOSED_MS);
      await verify();
      expect((await volume.states.get(id))?.phase).to.equal('verified');
    }

    async function verify(): Promise<void> {
      const { volume, index } = world;
      const { queue } = context;
      await new Verifier({ volume, index, queue, clock: systemClock, log: silentLog, settleMs: 0 }).run();
    }

    async function verified(lines = 10, refused: readonly number[] = []): Promise<string> {
      const id = await close([...Array(lines).keys()].map((line) => `line ${line}\n`));
      await indexFile(id, refused);
      return id;
    }

    const ids = (file: string, lines: readonly number[]): string[] => lines.map((line) => `${file}!${line}`);

    it('finds nothing where nothing is wrong, and tells what it went over', async () => {
      const { volume } = world;
      await verified();
      await verified(10, [3, 4]);
      const buried = await verified();
      await volume.states.bury(buried, [[2, 5]]);
      await world.index.removeIds(world.collection, ids(buried, [2, 3, 4, 5]));
      const gone = await verified(2);
      await volume.states.bury(gone, [[0, 1]]);
      await world.index.removeIds(world.collection, ids(gone, [0, 1]));
      expect(await volume.states.removeIfEmpty(gone, CLOSED_MS)).to.equal(true);
      await close(['only archived\n'], false);
      await context.queue.put([await close(['waits\n'])]);
      const { report, all } = await round();
      expect(all).to.deep.equal([]);
      expect(report.tally).to.deep.include({ files: 6, lines: 34, findings: {}, repaired: 0 });
      expect(report.tally.bytes).to.be.greaterThan(100);
      expect(report.finishedMs).to.be.at.least(report.startedMs);
    });

    it('a line that the index lost: the file is indexed again', async () => {
      const { volume, index, collection } = world;
      const [hurt, whole] = [await verified(), await verified()];
      // As many as there should be, and not the right ones.
      await index.removeIds(collection, ids(hurt, [7]));
      expect(await found()).to.deep.equal([`lines-missing ${hurt} possible`]);
      expect((await volume.states.get(hurt))?.phase).to.equal('verified');
      expect(await found(true)).to.deep.equal([`lines-missing ${hurt} done`]);
      expect(await volume.states.get(hurt)).to.include({ phase: 'closed', claim: 2, position: 0, attempts: 0 });
      expect((await volume.states.get(whole))?.phase).to.equal('verified');
      expect(await found(), 'while it is in work').to.deep.equal([]);
      await indexFile(hurt);
      expect(await found()).to.deep.equal([]);
    });

    it('lines that a finished deletion could not see come back with the deletion pending again', async () => {
      const { volume, index, collection } = world;
      const hurt = await verified();
      await volume.deletions.create({
        id: `d-${hurt}`, query: { text: 'x' }, throughMs: CLOSED_MS + 1, requestedBy: 'x', state: 'done', lanes: [],
        lines: 0, files: 0, lastPassMs: 1, revision: 0,
      });
      await index.removeIds(collection, ids(hurt, [0]));
      expect(await found(true)).to.deep.equal([`lines-missing ${hurt} done`]);
      const reopened = await volume.deletions.get(`d-${hurt}`);
      expect(reopened?.state).to.equal('pending');
      await volume.deletions.update({ ...reopened!, state: 'done' });
      await indexFile(hurt);
    });

    it('documents that are no lines of their file, or of no file, are removed, and nothing else', async () => {
      const { index, collection } = world;
      const hurt = await verified();
      const nobody = randomBytes(12).toString('hex');
      await index.add(collection, [
        aDocument(hurt, 99), { ...aDocument(hurt, 3), id: `${hurt}!03` }, aDocument(nobody, 0), aDocument(nobody, 1),
      ]);
      await index.commit(collection, 'hard');
      const expected = [`documents-without-file ${nobody}`, `lines-alien ${hurt}`];
      expect(await found()).to.deep.equal(expected.map((one) => `${one} possible`));
      expect(await found(true)).to.deep.equal(expected.map((one) => `${one} done`));
      expect(await found()).to.deep.equal([]);
      expect((await index.sums(collection, [hurt])).get(hurt)?.count).to.equal(10);
    });

    it('documents of no file stay when nobody is there to know whose they are', async () => {
      const { index, collection } = world;
      const nobody = randomBytes(12).toString('hex');
      await index.add(collection, [aDocument(nobody, 0)]);
      await index.commit(collection, 'hard');
      context = { ...context, attended: false };
      expect(await found(true)).to.deep.equal([`documents-without-file ${nobody} none`]);
      context = { ...context, attended: true };
      expect(await found(true)).to.deep.equal([`documents-without-file ${nobody} done`]);
    });

    it('a deleted line that came back is removed, but not reported while a deletion may be about to', async () => {
      const { volume, index, collection } = world;
      const hurt = await verified();
      await volume.states.bury(hurt, [[4, 4]]);
      const request = {
        id: `e-${hurt}`, query: { text: 'x' }, throughMs: CLOSED_MS + 1, requestedBy: 'x', state: 'pending' as const,
        lanes: [], lines: 0, files: 0, lastPassMs: 1, revision: 0,
      };
      await volume.deletions.create(request);
      expect(await found()).to.deep.equal([]);
      await volume.deletions.update({ ...request, state: 'done' });
      expect(await found()).to.deep.equal([`lines-buried ${hurt} possible`]);
      expect(await found(true)).to.deep.equal([`lines-buried ${hurt} done`]);
      expect(await found()).to.deep.equal([]);
      expect((await index.sums(collection, [hurt])).get(hurt)?.count).to.equal(9);
    });

    it('a closed file that no item of the queue names is queued again, once', async () => {
      const { coordination } = world;
      const hurt = await close(['forgotten\n']);
      expect(await found()).to.deep.equal([`file-not-queued ${hurt} possible`]);
      expect(await found(true)).to.deep.equal([`file-not-queued ${hurt} done`]);
      expect(await found()).to.deep.equal([]);
      const items = await createQueueAdministration(coordination).list(100);
      expect(items.filter(({ fileIds }) => fileIds.includes(hurt))).to.have.length(1);
    });

    it('an item that names no file, or that nobody can read, and the letter of a file that is not dead', async () => {
      const { coordination } = world;
      const administration = createQueueAdministration(coordination);
      const nobody = randomBytes(12).toString('hex');
      await context.queue.put([nobody]);
      const item = (await administration.list(100)).find(({ fileIds }) => fileIds.includes(nobody));
      if (item === undefined) throw new Error('the item is not there');
      const alive = await verified();
      await administration.bury({ fileId: alive, reason: 'x', atMs: 1 });
      expect(await found()).to.deep.equal([`item-without-state ${nobody} none`, `letter-left ${alive} none`]);
      await administration.unbury(alive);
      const path = itemPath(item.bucket, item.name);
      await coordination.set(path, Buffer.from('no item'));
      expect(await found()).to.deep.equal([`item-unreadable ${item.bucket}/${item.name} none`]);
      await coordination.remove(path);
      expect(await found()).to.deep.equal([]);
    });

    it('a file that was given up', async () => {
      const { volume } = world;
      const dead = await close(['poison\n']);
      const taken = await volume.states.claim(dead, CLOSED_MS);
      await volume.states.giveUp(dead, taken?.claim ?? 0, 'poison');
      expect(await found()).to.deep.equal([`file-given-up ${dead} none`]);
    });

    it('a byte that a disk changed: that block is named, and all others are read', async () => {
      const { volume, damage } = world;
      const hurt = await close([...Array(700).keys()].map(() => LARGE_LINE));
      await indexFile(hurt);
      const file = await volume.files.describe(hurt);
      expect(file?.blocks.length).to.be.at.least(3);
      await damage.flipByte(hurt, (file?.blocks[1]?.offset ?? 0) + 9);
      expect(await found()).to.deep.equal([`block-damaged ${hurt} none`]);
      const { all, report } = await round();
      expect(all.find(({ fileId }) => fileId === hurt)?.detail).to.match(/^1 of \d+ blocks can't be read: .*sha256/);
      expect(report.tally.bytes).to.be.at.least(file?.storedBytes ?? Infinity);
    });

    it('a state without its file, and a file without its state', async () => {
      const { damage } = world;
      const [one, other] = [await verified(), await close(['x\n'])];
      await damage.loseFile(one);
      await damage.loseState(other);
      expect(await found()).to.deep.equal([`file-missing ${one} none`, `file-without-state ${other} none`]);
    });

    it('blocks of the journal: a hole, an unknown lane, one that is left, one that is damaged or was set aside', async () => {
      const { journal } = world.volume;
      const lanes = [...Array(6).keys()].map((n) => `lane-${n}-${randomBytes(4).toString('hex')}`);
      const [whole = '', hole = '', unknown = '', left = '', corrupt = '', unsealed = ''] = lanes;
      for (const id of lanes.filter((lane) => lane !== unknown)) {
        await journal.openLane({ id, incarnation: 'i', volume: world.volume.name, openedMs: CLOSED_MS });
      }
      for (const n of [0, 1]) await journal.insert([await block(whole, n)]);
      await journal.insert([await block(hole, 0)]);
      await journal.insert([await block(hole, 2)]);
      await journal.insert([await block(unknown, 0)]);
      const known = await verified();
      const ofKnown = await block(left, 0);
      const returning = { ...ofKnown, segments: ofKnown.segments.map((segment) => ({ ...segment, fileId: known })) };
      await journal.insert([returning]);
      await journal.insert([await block(left, 1)]);
      await journal.seal(left);
      await journal.release(left, 1);
      expect((await journal.findLane(left))?.finished).to.equal(true);
      await journal.insert([returning]);
      await journal.insert([{ ...await block(corrupt, 0), data: Buffer.from('other data') }]);
      await journal.insert([await block(corrupt, 1)]);
      await journal.setAsideBlock(corrupt, 1, 'unreadable');
      await journal.insert([await block(unsealed, 0)]);
      await journal.seal(unsealed);
      await world.damage.loseSeal(unsealed);
      const expected = [
        `block-corrupt ${corrupt} none`, `block-left ${left} possible`, `block-missing ${hole} none`,
        `block-set-aside ${corrupt} none`, `lane-unknown ${unknown} none`, `seal-missing ${unsealed} none`,
      ];
      expect(await found()).to.deep.equal(expected);
      expect(await found(true)).to.deep.equal([`block-left ${left} done`]);
      expect(await found()).to.deep.equal([]);
      expect(await journal.entries(left, 0, 10)).to.deep.equal([{ n: 2, seal: true }]);
    });

    it('a round over a source, or since a time, goes over its files only', async () => {
      const { report } = await round({ scope: { sourceName: 'other' } });
      expect(report.tally).to.deep.include({ files: 0, findings: {} });
      const since = await round({ scope: { sinceMs: CLOSED_MS + 1 } });
      expect(since.report.tally.files).to.equal(0);
      const all = await round({ scope: { sourceName: 'web', sinceMs: CLOSED_MS } });
      expect(all.report.tally.files).to.be.greaterThan(10);
      expect(all.report.tally.findings).not.to.have.any.keys('lane-unknown', 'file-without-state');
    });

    it('keeps its place: a round that breaks off is gone on with, and its report is kept in the end', async () => {
      const { volume } = world;
      const records = volume.audits;
      expect(await records.progress()).to.deep.equal({ progress: undefined, revision: 0 });
      const tally = { files: 5, lines: 50, bytes: 0, findings: { 'block-damaged': 3 }, repaired: 0, first: [] } as const;
      const place = { startedMs: 123, stage: `contents ${volume.name}`, tally };
      expect(await records.saveProgress(place, 0)).to.equal(true);
      expect(await records.saveProgress(place, 0), 'somebody else goes on with it').to.equal(false);
      const { report } = await round({ records });
      // Only the stage that was left is gone over.
      expect(report.startedMs).to.equal(123);
      expect(report.tally).to.deep.include({ files: 5, findings: { 'block-damaged': 4, 'file-missing': 1 } });
      expect(await records.last()).to.deep.equal(report);
      expect(await records.progress()).to.deep.equal({ progress: undefined, revision: 2 });
    });

    it('fails, and forgets nothing, when the index is out of reach', async () => {
      const away = Object.assign(Object.create(world.index) as LogIndex, {
        sums: async () => { throw new UnavailableError('the index is away'); },
      });
      const failing = runRound({
        stages: stagesOf({ ...context, index: away }), clock: { ...systemClockOf(), sleep: async () => undefined },
        random: systemRandom, repair: true, settleMs: 0,
      });
      expect(await failing.then(() => undefined, (error: unknown) => error)).to.be.instanceOf(UnavailableError);
    });
  });
}

function systemClockOf(): typeof systemClock {
  return {
    now: () => systemClock.now(), monotonic: () => systemClock.monotonic(),
    sleep: (delayMs, signal) => systemClock.sleep(delayMs, signal),
    timer: (delayMs, callback) => systemClock.timer(delayMs, callback),
  };
}
