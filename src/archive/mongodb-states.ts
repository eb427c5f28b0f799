import { ObjectId, type ClientSession, type Filter, type UpdateFilter } from 'mongodb';
import { ConflictError, FencedError, NotFoundError, UnavailableError } from '../errors';
import { normaliseRanges, rangeLines } from './line-ranges';
import { isConflict, type MongodbConnection } from './mongodb-connection';
import { toChunkDocuments, toFileDocument } from './mongodb-file-documents';
import type { GridfsFileDocument, MongodbCollections, StateDocument } from './mongodb-schema';
import { MongodbSetAside } from './mongodb-set-aside';
import { fromStateDocument, toStateDocument, toStateFilter, tombstoneFields } from './mongodb-state-documents';
import { isPastClosed, REMOVABLE, RESTARTABLE } from './state-rules';
import { Phase } from './states';
import type { ClosingFile, FileState, LineRanges, SetAsideLine, StateQuery, States } from './states';

/** Tries to change tombstones that others change at the same time. */
const BURY_ATTEMPTS = 50;
/** Tries to remove a file that others remove at the same time, and what each adds to the pause before the next. */
const REMOVAL_ATTEMPTS = 20;
const CONFLICT_PAUSE_MS = 10;

export class MongodbStates implements States {
  private readonly aside: MongodbSetAside;

  constructor(private readonly connection: MongodbConnection, private readonly collections: MongodbCollections) {
    this.aside = new MongodbSetAside(connection, collections);
  }

  async close(files: readonly ClosingFile[]): ReturnType<States['close']> {
    const ids = files.map(({ state }) => state.id);
    try {
      await this.connection.transaction('close files', async (session, step) => {
        // First, since the state's unique `_id` is the check that nobody closed the file before.
        const states = files.map(({ state }) => toStateDocument(state));
        await step(() => this.collections.states.insertMany(states, { session }));
        const chunks = files.flatMap(({ state, content }) => toChunkDocuments(state.id, content));
        if (chunks.length > 0) await step(() => this.collections.chunks.insertMany(chunks, { session }));
        const documents = files.map(({ description }) => toFileDocument(description));
        await step(() => this.collections.files.insertMany(documents, { session }));
      });
      return { outcome: 'closed' };
    } catch (error) {
      if (error instanceof ConflictError) return { outcome: 'conflict', existing: [...await this.existing(ids)] };
      if (isConflict(error)) return { outcome: 'conflict', existing: [] };
      throw error;
    }
  }

  async existing(ids: readonly string[]): Promise<ReadonlySet<string>> {
    if (ids.length === 0) return new Set();
    const found = await this.connection.read('find states', (session) => this.collections.states
      .find<Pick<StateDocument, '_id'>>(
        { _id: { $in: ids.map((id) => new ObjectId(id)) } }, { session, projection: { _id: 1 }, ...this.bounded() })
      .toArray());
    return new Set(found.map(({ _id }) => _id.toHexString()));
  }

  async get(id: string): Promise<FileState | undefined> {
    if (!ObjectId.isValid(id)) return undefined;
    const found = await this.connection.read('read state', (session) => (
      this.collections.states.findOne({ _id: new ObjectId(id) }, { session, ...this.bounded() })));
    return found === null ? undefined : fromStateDocument(found);
  }

  async list(query: StateQuery): Promise<readonly FileState[]> {
    const found = await this.connection.read('list states', (session) => this.collections.states
      .find(toStateFilter(query), { session, ...this.bounded() }).sort({ _id: 1 }).limit(query.limit).toArray());
    return found.map(fromStateDocument);
  }

  countClosed(limit: number): Promise<number> {
    return this.connection.read('count closed files', (session) => (
      this.collections.states.countDocuments({ phase: Phase.closed }, { session, limit, ...this.bounded() })));
  }

  async claim(id: string, nowMs: number): Promise<FileState | undefined> {
    const claimed = await this.connection.write(`claim ${id}`, (session) => (
      this.collections.states.findOneAndUpdate(
        { _id: new ObjectId(id), phase: Phase.closed }, { $inc: { claim: 1, takes: 1 }, $set: { progressMs: nowMs } },
        { session, returnDocument: 'after', ...this.bounded() })));
    return claimed === null ? this.get(id) : fromStateDocument(claimed);
  }

  async keep(id: string, claim: number, nowMs: number): Promise<void> {
    const kept = await this.change(id, { phase: Phase.closed, claim }, { $set: { progressMs: nowMs } });
    if (!kept) throw new FencedError(`claim ${claim} on file ${id} is over`);
  }

  async advance(id: string, claim: number, position: number, nowMs: number): Promise<void> {
    const changed = await this.change(
      id, { phase: Phase.closed, claim }, { $max: { position }, $set: { takes: 0, progressMs: nowMs } });
    if (changed) await this.mirror(id, { $max: { 'metadata.Position': position } });
    else await this.expectPastClosed(id, claim);
  }

  async markIndexed(id: string, claim: number, nowMs: number): Promise<void> {
    const changed = await this.change(id, { phase: Phase.closed, claim }, [
      { $set: { phase: Phase.indexed, position: '$lines', progressMs: nowMs } },
    ]);
    if (changed) await this.mirror(id, [{ $set: { 'metadata.Position': '$metadata.Lines' } }]);
    else await this.expectPastClosed(id, claim);
  }

  async markVerified(id: string, claim: number, tombstoneVersion: number): Promise<boolean> {
    const state = await this.get(id);
    const agrees = state?.phase === Phase.indexed && state.claim === claim
      && state.tombstoneVersion === tombstoneVersion;
    if (!agrees) return false;
    // Before the phase: whoever sees a verified file sees the final numbers in any GridFS client.
    const RemLines = state.lines - rangeLines(state.tombstones);
    await this.mirror(
      id, { $set: { 'metadata.Position': state.position }, $min: { 'metadata.RemLines': RemLines } }, 'durable');
    return this.change(
      id, { phase: Phase.indexed, claim, tombstoneVersion }, { $set: { phase: Phase.verified } });
  }

  async restart(id: string, fromClaim: number, nowMs: number, failure?: string): Promise<boolean> {
    const counted = failure === undefined ? {} : { $inc: { attempts: 1 }, $set: { reason: failure } };
    return this.again(id, { phase: { $in: [...RESTARTABLE] }, claim: fromClaim }, nowMs, counted);
  }

  async countAttempt(id: string, claim: number, reason: string): Promise<number> {
    const changed = await this.connection.write(`count attempt at ${id}`, (session) => (
      this.collections.states.findOneAndUpdate(
        { _id: new ObjectId(id), phase: Phase.closed, claim }, { $inc: { attempts: 1 }, $set: { reason } },
        { session, returnDocument: 'after', ...this.bounded() })));
    if (changed === null) throw new FencedError(`claim ${claim} on file ${id} is over`);
    return changed.attempts;
  }

  async giveUp(id: string, claim: number, reason: string): Promise<void> {
    const changed = await this.change(
      id, { phase: { $in: [Phase.closed, Phase.dead] }, claim }, { $set: { phase: Phase.dead, reason } });
    if (!changed) throw new FencedError(`claim ${claim} on file ${id} is over`);
  }

  async revive(id: string, nowMs: number): Promise<boolean> {
    return this.again(id, { phase: Phase.dead }, nowMs, { $set: { attempts: 0 }, $unset: { reason: '' } });
  }

  async markQueued(
    ids: readonly { readonly id: string; readonly queuedMs: number }[], nowMs: number,
  ): Promise<readonly string[]> {
    const won = await Promise.all(ids.map(async ({ id, queuedMs }) => (
      await this.change(id, { queuedMs }, { $set: { queuedMs: nowMs } }) ? [id] : [])));
    return won.flat();
  }

  async bury(id: string, ranges: LineRanges): Promise<FileState> {
    for (let attempt = 1; attempt <= BURY_ATTEMPTS; attempt += 1) {
      const state = await this.get(id);
      if (state === undefined) throw new NotFoundError(`file ${id} has no state`);
      const tombstones = normaliseRanges([...state.tombstones, ...ranges], state.lines);
      const { tombstoneVersion } = state;
      const fields = tombstoneFields(tombstones, state.lines);
      const RemLines = state.lines - fields.buried;
      if (fields.buried === rangeLines(state.tombstones)) return state;
      const changed = await this.change(
        id, { tombstoneVersion }, { $set: { ...fields, tombstoneVersion: tombstoneVersion + 1 } });
      if (!changed) continue;
      await this.mirror(id, { $min: { 'metadata.RemLines': RemLines } });
      return { ...state, tombstones, tombstoneVersion: tombstoneVersion + 1 };
    }
    throw new UnavailableError(`the tombstones of file ${id} kept changing`);
  }

  async removeIfEmpty(id: string, nowMs: number): Promise<boolean> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.removeOnce(id, nowMs);
      } catch (error) {
        // Another deletion is at the same file; what it leaves is looked at again.
        if (!isConflict(error) || attempt >= REMOVAL_ATTEMPTS) throw error;
        await this.connection.pause(attempt * CONFLICT_PAUSE_MS);
      }
    }
  }

  async forget(id: string): Promise<boolean> {
    const removed = await this.connection.write(`forget file ${id}`, (session) => (
      this.collections.states.deleteOne({ _id: new ObjectId(id), phase: Phase.gone }, { session, ...this.bounded() })));
    return removed.deletedCount > 0;
  }

  async setAside(line: SetAsideLine): Promise<void> {
    await this.aside.put(line);
  }

  async setAsideLines(
    query: { readonly fileId?: string; readonly after?: SetAsideLine; readonly limit: number },
  ): Promise<readonly SetAsideLine[]> {
    return this.aside.list(query);
  }

  async clearSetAside(fileId: string): Promise<void> {
    await this.aside.clear(fileId);
  }

  private async removeOnce(id: string, nowMs: number): Promise<boolean> {
    const _id = new ObjectId(id);
    const removed = await this.connection.transaction(`remove file ${id}`, async (session, step) => {
      const found = await step(() => this.collections.states.updateOne(
        { _id, phase: { $in: [...REMOVABLE] }, $expr: { $gte: ['$buried', '$lines'] } },
        { $set: { phase: Phase.gone, progressMs: nowMs } }, { session }));
      if (found.matchedCount === 0) return false;
      await step(() => this.collections.files.deleteOne({ _id }, { session }));
      await step(() => this.collections.chunks.deleteMany({ files_id: _id }, { session }));
      return true;
    });
    return removed || (await this.get(id))?.phase === Phase.gone;
  }

  private async again(
    id: string, condition: Filter<StateDocument>, nowMs: number, more: UpdateFilter<StateDocument>,
  ): Promise<boolean> {
    const changed = await this.change(id, condition, {
      ...more,
      $inc: { ...more.$inc, claim: 1 },
      $set: { ...more.$set, phase: Phase.closed, position: 0, takes: 0, progressMs: nowMs, queuedMs: nowMs },
    });
    if (changed) await this.mirror(id, { $set: { 'metadata.Position': 0 } });
    return changed;
  }

  private async change(
    id: string, condition: Filter<StateDocument>, update: UpdateFilter<StateDocument> | UpdateFilter<StateDocument>[],
  ): Promise<boolean> {
    const found = await this.connection.write(`change state of ${id}`, (session) => (
      this.collections.states.updateOne(
        { ...condition, _id: new ObjectId(id) }, update, { session, ...this.bounded() })));
    return found.matchedCount > 0;
  }

  /** For readers with any GridFS client. `lazy` may be lost: the state has the truth and a later mirror repeats it. */
  private async mirror(
    id: string, update: UpdateFilter<GridfsFileDocument> | UpdateFilter<GridfsFileDocument>[],
    kind: 'lazy' | 'durable' = 'lazy',
  ): Promise<void> {
    const write = (session: ClientSession): Promise<unknown> => (
      this.collections.files.updateOne({ _id: new ObjectId(id) }, update, {
        session, ...this.bounded(), ...(kind === 'lazy' ? { writeConcern: { w: 1 } } : {}),
      }));
    const done = this.connection.write(`mirror state of ${id}`, write);
    await (kind === 'lazy' ? done.catch(() => undefined) : done);
  }

  private async expectPastClosed(id: string, claim: number): Promise<void> {
    const state = await this.get(id);
    if (state?.claim === claim && isPastClosed(state.phase)) return;
    throw new FencedError(`claim ${claim} on file ${id} is over`);
  }

  private bounded(): { readonly maxTimeMS: number } {
    return { maxTimeMS: this.connection.maxTimeMS };
  }
}
