import { MaxKey, MinKey, type ClientSession } from 'mongodb';
import { ConflictError, NotFoundError, UnavailableError } from '../errors';
import { checkBlocks } from './journal-checks';
import type {
  Block, InsertOutcome, Journal, JournalEntry, KeyRecord, LaneRecord, LaneStatus, RecordedLane, StoredBlock,
} from './journal';
import { isConflict, type MongodbConnection, type TransactionStep } from './mongodb-connection';
import { fromDocument, toDocument } from './mongodb-journal-documents';
import { isDuplicate } from './mongodb-schema';
import type { JournalDocument, JournalId, KeyDocument, LaneDocument, MongodbCollections } from './mongodb-schema';

/** Tries to get the highest number of a lane before somebody else does. */
const SEAL_ATTEMPTS = 200;
/** Documents that one removal takes, so that it stays far below its deadline. */
const RELEASE_STEP = 256;

const KNOWN_KEY = Symbol('known key');
const COLLISION = Symbol('collision');

export class MongodbJournal implements Journal {
  constructor(private readonly connection: MongodbConnection, private readonly collections: MongodbCollections) {}

  async openLane(lane: LaneRecord): Promise<void> {
    const document: LaneDocument = {
      _id: lane.id, incarnation: lane.incarnation, volume: lane.volume, openedMs: lane.openedMs, releasedThrough: -1,
      finished: false,
    };
    await this.connection.write(`open lane ${lane.id}`, async (session) => {
      // An upsert, since a lane whose opening got no answer may be opened again.
      await this.collections.lanes.updateOne(
        { _id: lane.id }, { $setOnInsert: document }, { upsert: true, session, ...this.bounded() });
    }).catch(ignoreConflict);
  }

  async insert(blocks: readonly Block[], key?: KeyRecord): Promise<InsertOutcome> {
    checkBlocks(blocks);
    const documents = blocks.map(toDocument);
    const [single] = documents;
    if (key !== undefined || documents.length > 1) return this.insertTogether(documents, key);
    if (single === undefined) return { outcome: 'stored' };
    try {
      await this.connection.write(`insert block ${single._id.lane}/${single._id.n}`, (session) => (
        this.collections.journal.insertOne(single, { session, ...this.bounded() })));
      return { outcome: 'stored' };
    } catch (error) {
      // The number is taken: by a seal, or by whoever else thought to own the lane. Never by an earlier try of this
      // block, which would have been an unknown outcome, after which the lane is sealed and not written to.
      if (error instanceof ConflictError) return { outcome: 'collision' };
      throw error;
    }
  }

  private async insertTogether(documents: readonly JournalDocument[], key?: KeyRecord): Promise<InsertOutcome> {
    const stage = { atKey: false };
    try {
      await this.connection.transaction('insert blocks', async (session, step) => {
        if (key !== undefined) await this.insertKey(session, step, key, stage);
        await step(() => this.collections.journal.insertMany([...documents], { session })).catch((error: unknown) => {
          throw isDuplicate(error) ? new Definite(COLLISION) : error;
        });
      });
      return { outcome: 'stored' };
    } catch (error) {
      if (error instanceof Definite && error.reason === COLLISION) return { outcome: 'collision' };
      if (error instanceof Definite && key !== undefined) {
        const record = await this.findKey(key.sourceId, key.key);
        return record === undefined ? { outcome: 'busy' } : { outcome: 'repeated', record };
      }
      if (stage.atKey && isConflict(error)) return { outcome: 'busy' };
      throw error;
    }
  }

  private async insertKey(
    session: ClientSession, step: TransactionStep, key: KeyRecord, stage: { atKey: boolean },
  ): Promise<void> {
    const document: KeyDocument = {
      _id: { source: key.sourceId, key: key.key }, bodySha256: key.bodySha256, answer: key.answer,
      createdMs: key.createdMs, createdAt: new Date(key.createdMs),
    };
    stage.atKey = true;
    await step(() => this.collections.keys.insertOne(document, { session })).catch((error: unknown) => {
      throw isDuplicate(error) ? new Definite(KNOWN_KEY) : error;
    });
    stage.atKey = false;
  }

  async findKey(sourceId: string, key: string): Promise<KeyRecord | undefined> {
    const document = await this.connection.read('find key', (session) => (
      this.collections.keys.findOne({ _id: { source: sourceId, key } }, { session, ...this.bounded() })));
    if (document === null) return undefined;
    const { bodySha256, answer, createdMs } = document;
    return { sourceId, key, bodySha256, answer, createdMs };
  }

  async seal(lane: string): Promise<number> {
    for (let attempt = 1; attempt <= SEAL_ATTEMPTS; attempt += 1) {
      const sealed = await this.connection.write(`seal lane ${lane}`, (session) => this.trySeal(lane, session));
      if (sealed !== undefined) return sealed;
    }
    throw new UnavailableError(`lane ${lane} could not be sealed: its highest number kept changing`);
  }

  /**
   * One try in one causal session: a majority write, then a majority read after it. Only that read proves anything:
   * the first may come from a primary that has been replaced (schedules 2, 38).
   */
  private async trySeal(lane: string, session: ClientSession): Promise<number | undefined> {
    const highest = await this.highest(lane, session);
    const n = highest?.seal === true ? highest._id.n : (highest?._id.n ?? -1) + 1;
    if (highest?.seal === true) {
      // Somebody's seal gets the same check: a majority write, so that the read after it is of the present.
      const found = await this.collections.lanes.updateOne(
        { _id: lane }, { $inc: { sealChecks: 1 } }, { session, ...this.bounded() });
      if (found.matchedCount === 0) throw new NotFoundError(`lane ${lane} was never opened`);
    } else {
      try {
        await this.collections.journal.insertOne({ _id: { lane, n }, seal: true }, { session, ...this.bounded() });
      } catch (error) {
        if (isDuplicate(error)) return undefined;
        throw error;
      }
    }
    const now = await this.highest(lane, session);
    if (now?.seal !== true || now._id.n !== n) return undefined;
    // A lane with blocks is finished by the release that removes the last of them.
    const end = { sealedAt: n, ...(n === 0 ? { finished: true } : {}) };
    await this.collections.lanes.updateOne({ _id: lane }, { $set: end }, { session, ...this.bounded() });
    return n;
  }

  async unfinishedLanes(): Promise<readonly LaneStatus[]> {
    return this.connection.read('list lanes', async (session) => {
      const lanes = await this.collections.lanes
        .find({ finished: false }, { session, ...this.bounded() }).sort({ openedMs: 1, _id: 1 }).toArray();
      const statuses: LaneStatus[] = [];
      for (const { _id: id, incarnation, volume, openedMs, sealedAt, releasedThrough } of lanes) {
        const highest = sealedAt === undefined ? await this.highest(id, session) : undefined;
        const open = highest === undefined ? -1 : highest._id.n - (highest.seal === true ? 1 : 0);
        const highestBlock = sealedAt === undefined ? open : sealedAt - 1;
        statuses.push({ id, incarnation, volume, openedMs, sealedAt, releasedThrough, highestBlock });
      }
      return statuses;
    });
  }

  async *read(lane: string, from: number, to: number): AsyncIterable<StoredBlock> {
    const session = this.connection.startSession();
    const cursor = this.collections.journal
      .find({ _id: range(lane, from, to), seal: { $exists: false } }, { session, batchSize: 200 }).sort({ _id: 1 });
    const what = `read lane ${lane}`;
    try {
      for (;;) {
        const document = await this.connection.answer(what, cursor.next());
        if (document === null) return;
        yield fromDocument(document);
      }
    } finally {
      cursor.close().catch(() => undefined).finally(() => { session.endSession().catch(() => undefined); })
        .catch(() => undefined);
    }
  }

  async release(lane: string, throughN: number): Promise<void> {
    const [record, highest] = await this.connection.write(`release lane ${lane}`, async (session) => {
      const changed = await this.collections.lanes.findOneAndUpdate(
        { _id: lane }, { $max: { releasedThrough: throughN } },
        { session, returnDocument: 'after', ...this.bounded() });
      if (changed === null) throw new NotFoundError(`lane ${lane} was never opened`);
      return [changed, await this.highest(lane, session)];
    });
    // A lane's highest number only grows: one that was read some time ago is never too high.
    const last = Math.min(throughN, (highest?._id.n ?? 0) - 1);
    for (let from = await this.lowest(lane); from !== undefined && from <= last; from += RELEASE_STEP) {
      const to = Math.min(last, from + RELEASE_STEP - 1);
      const filter = { _id: range(lane, from, to), setAside: { $exists: false } };
      await this.connection.write(`remove blocks of lane ${lane}`, (session) => (
        this.collections.journal.deleteMany(filter, { session, ...this.bounded() })));
    }
    // Only behind the removal: whoever dies before it leaves a lane that the recoverer comes back to.
    if (record.sealedAt === undefined || record.releasedThrough < record.sealedAt - 1) return;
    await this.connection.write(`finish lane ${lane}`, (session) => (
      this.collections.lanes.updateOne({ _id: lane }, { $set: { finished: true } }, { session, ...this.bounded() })));
  }

  async setAsideBlock(lane: string, n: number, reason: string): Promise<void> {
    await this.connection.write(`set block ${lane}/${n} aside`, async (session) => {
      const found = await this.collections.journal.updateOne(
        { _id: { lane, n }, seal: { $exists: false } }, { $set: { setAside: reason } }, { session, ...this.bounded() });
      if (found.matchedCount === 0) throw new NotFoundError(`there is no block ${lane}/${n}`);
    });
  }

  async lanesWithEntries(after: string | undefined, limit: number): Promise<readonly string[]> {
    const lanes: string[] = [];
    for (let from = after; lanes.length < limit;) {
      const behind: object = from === undefined ? {} : { _id: { $gt: { lane: from, n: new MaxKey() } } };
      // One look into the index a lane, however many blocks it has.
      const next = await this.connection.read('list lanes of blocks', (session) => (
        this.collections.journal.findOne<Pick<JournalDocument, '_id'>>(
          behind, { session, sort: { _id: 1 }, projection: { _id: 1 }, ...this.bounded() })));
      if (next === null) break;
      from = next._id.lane;
      lanes.push(from);
    }
    return lanes;
  }

  async entries(lane: string, from: number, limit: number): Promise<readonly JournalEntry[]> {
    const found = await this.connection.read(`list blocks of lane ${lane}`, (session) => this.collections.journal
      .find<Pick<JournalDocument, '_id' | 'seal' | 'setAside'>>(
        { _id: range(lane, from, Number.MAX_SAFE_INTEGER) },
        { session, projection: { _id: 1, seal: 1, setAside: 1 }, ...this.bounded() })
      .sort({ _id: 1 }).limit(limit).toArray());
    return found.map(({ _id: { n }, seal, setAside }) => (
      { n, seal: seal === true, ...(setAside === undefined ? {} : { setAside }) }));
  }

  async findLane(lane: string): Promise<RecordedLane | undefined> {
    const found = await this.connection.read(`read lane ${lane}`, (session) => (
      this.collections.lanes.findOne({ _id: lane }, { session, ...this.bounded() })));
    if (found === null) return undefined;
    const { sealedAt, releasedThrough, finished } = found;
    return { sealedAt, releasedThrough, finished };
  }

  /** The lane's highest document without its data. */
  private async highest(
    lane: string, session: ClientSession,
  ): Promise<Pick<JournalDocument, '_id' | 'seal'> | undefined> {
    const found = await this.edge(lane, -1, session);
    return found ?? undefined;
  }

  private async lowest(lane: string): Promise<number | undefined> {
    const found = await this.connection.read(`read lane ${lane}`, (session) => this.edge(lane, 1, session));
    return found?._id.n;
  }

  private async edge(
    lane: string, order: 1 | -1, session: ClientSession,
  ): Promise<Pick<JournalDocument, '_id' | 'seal'> | null> {
    const filter = { _id: { $gte: { lane, n: new MinKey() }, $lte: { lane, n: new MaxKey() } } } as object;
    return this.collections.journal.findOne<Pick<JournalDocument, '_id' | 'seal'>>(
      filter, { session, sort: { _id: order }, projection: { _id: 1, seal: 1 }, ...this.bounded() });
  }

  private bounded(): { readonly maxTimeMS: number } {
    return { maxTimeMS: this.connection.maxTimeMS };
  }
}

/** Two upserts of one document at once: one of them inserted it. */
function ignoreConflict(error: unknown): void {
  if (!(error instanceof ConflictError)) throw error;
}

function range(lane: string, from: number, to: number): { readonly $gte: JournalId; readonly $lte: JournalId } {
  return { $gte: { lane, n: from }, $lte: { lane, n: to } };
}

/** Ends a transaction on purpose, before anything was committed. */
class Definite extends ConflictError {
  constructor(readonly reason: symbol) {
    super('not written');
  }
}
