import type { Piece } from '../archive/block-format';
import type { Block, InsertOutcome, Journal, KeyRecord, LaneRecord } from '../archive/journal';
import type { Clock } from '../clock';
import { InputError, LimitError, messageOf, UnavailableError } from '../errors';
import { faultPoint } from '../fault-points';
import { limits } from '../limits';
import type { Log } from '../log';
import { PendingRequest, WaitingEntries, type Entry, type LaneRequest, type LaneResult } from './group-commit';
import { IntakeError, unavailable } from './intake-error';
import type { OpenFiles } from './open-files';
import type { BuildBlock } from './ports';

/** Waiting raw bytes from which on the next block is prepared while one is in flight; fewer gain more by merging. */
const PREPARE_AHEAD_BYTES = 1024 * 1024;

/** Why a lane takes no more lines: a write has an unknown outcome, its number was taken, or the owner is gone. */
export type BreakCause = 'unknown' | 'collision' | 'abandoned';

export interface LaneOptions {
  readonly record: LaneRecord;
  readonly journal: Journal;
  readonly buildBlock: BuildBlock;
  readonly openFiles: OpenFiles;
  readonly clock: Clock;
  readonly log: Log;
  /** Called once, as soon as the lane is broken; whoever owns it has it sealed and opens another. */
  readonly onBroken: (cause: BreakCause) => void;
  /** Told of each write, for the health of the volume. */
  readonly onWrite: (succeeded: boolean) => void;
}

interface Batch {
  readonly entries: readonly Entry[];
  readonly blocks: readonly Block[];
  readonly fileIds: readonly ReadonlySet<string>[];
}

/**
 * A lane: one write in flight, numbered without a gap. Requests that arrive meanwhile are merged into the next block.
 * A request is answered when all its lines are on a majority. After a write without a verdict, or one whose number was
 * taken, nothing more is written here: all that waits gets 503 (schedules 1, 6, 7, 23, 40, 41).
 */
export class Lane {
  private readonly waiting = new WaitingEntries();
  private nextN = 0;
  private preparing = false;
  private prepared: Batch | undefined;
  private writing = false;
  private cause: BreakCause | undefined;
  private ending = false;
  private readonly idleCallbacks: (() => void)[] = [];

  constructor(private readonly options: LaneOptions) {}

  get id(): string {
    return this.options.record.id;
  }

  get record(): LaneRecord {
    return this.options.record;
  }

  get broken(): BreakCause | undefined {
    return this.cause;
  }

  get waitingBytes(): number {
    return this.waiting.rawBytes;
  }

  /** Stores the lines of a request. Rejects with IntakeError 503, or 500 when the content can't be stored. */
  submit(request: LaneRequest): Promise<LaneResult> {
    if (this.cause !== undefined || this.ending) return Promise.reject(laneClosed());
    if (request.runs.length === 0) return Promise.resolve({ outcome: 'stored', files: [] });
    return new Promise((resolve, reject) => {
      const nowMs = this.options.clock.monotonic();
      this.waiting.expire(nowMs - limits.laneWaitMs, overloaded);
      this.waiting.add(new PendingRequest(request, nowMs, resolve, reject));
      this.pump();
    });
  }

  /** Takes no more requests; resolves when all that were taken are answered and nothing is in flight. */
  async end(): Promise<void> {
    this.ending = true;
    if (!this.idle()) await new Promise<void>((resolve) => { this.idleCallbacks.push(resolve); });
  }

  /** Gives the lane up, e.g. since the session of its incarnation is gone. A write in flight keeps its verdict. */
  abandon(): void {
    this.break('abandoned');
  }

  private idle(): boolean {
    return !this.writing && !this.preparing && this.prepared === undefined && this.waiting.length === 0;
  }

  private pump(): void {
    if (this.cause === undefined) {
      const ahead = !this.writing || this.waiting.rawBytes >= PREPARE_AHEAD_BYTES;
      if (!this.preparing && this.prepared === undefined && this.waiting.length > 0 && ahead) void this.prepareNext();
      if (!this.writing && this.prepared !== undefined) void this.writePrepared(this.prepared);
    }
    if (this.idle()) for (const callback of this.idleCallbacks.splice(0)) callback();
  }

  private async prepareNext(): Promise<void> {
    this.waiting.expire(this.options.clock.monotonic() - limits.laneWaitMs, overloaded);
    const entries = this.waiting.take();
    if (entries.length === 0) return;
    this.preparing = true;
    const batch = await this.prepare(entries);
    this.preparing = false;
    if (this.cause !== undefined) this.failEntries(entries, laneClosed());
    else this.prepared = batch;
    this.pump();
  }

  /** Gives the lines to files and makes the blocks; undefined when that failed, and then all are answered. */
  private async prepare(entries: readonly Entry[]): Promise<Batch | undefined> {
    const { openFiles, buildBlock } = this.options;
    const keyed = entries[0]?.pending.request.key !== undefined;
    const blocks: Piece[][] = keyed ? [] : [[]];
    for (const { pending, runs } of entries) {
      const { source, receivedMs } = pending.request;
      for (const run of runs) {
        const pieces = openFiles.assign(source, receivedMs, run);
        for (const piece of pieces) pending.files.add(piece.fileId);
        if (keyed) blocks.push(pieces);
        else blocks[0]?.push(...pieces);
      }
    }
    const fileIds = blocks.map((pieces) => new Set(pieces.map((piece) => piece.fileId)));
    openFiles.blocksMade(fileIds);
    try {
      return { entries, fileIds, blocks: await Promise.all(blocks.map((pieces) => buildBlock(this.id, 0, pieces))) };
    } catch (error) {
      this.dropBlocks(fileIds);
      this.options.log.error('BlockMakingFailed', { lane: this.id, error });
      this.failEntries(entries, notStorable(error));
      return undefined;
    }
  }

  private async writePrepared(batch: Batch): Promise<void> {
    this.prepared = undefined;
    this.writing = true;
    try {
      await this.write(batch);
    } finally {
      this.writing = false;
      this.pump();
    }
  }

  private async write(batch: Batch): Promise<void> {
    const blocks = batch.blocks.map((block, index) => ({ ...block, n: this.nextN + index }));
    const key = this.keyRecord(batch);
    // What comes in from here on merges with what waits already; pump prepares it ahead when it is much.
    let outcome: InsertOutcome;
    faultPoint('producer.blocks-made');
    try {
      outcome = await this.options.journal.insert(blocks, key);
      faultPoint('producer.blocks-inserted');
      this.options.onWrite(true);
    } catch (error) {
      await this.writeFailed(batch, error);
      return;
    }
    if (outcome.outcome === 'stored') this.stored(batch, blocks);
    else if (outcome.outcome === 'collision') {
      this.failEntries(batch.entries, laneClosed());
      this.break('collision');
    } else {
      this.dropBlocks(batch.fileIds);
      for (const { pending } of batch.entries) pending.answer(outcome);
    }
  }

  private stored(batch: Batch, blocks: readonly Block[]): void {
    this.nextN += blocks.length;
    if (this.cause === undefined) for (const block of blocks) this.options.openFiles.blockStored(block);
    for (const { pending } of batch.entries) pending.entryStored();
  }

  /** A definite failure leaves the number free; everything else breaks the lane. */
  private async writeFailed(batch: Batch, error: unknown): Promise<void> {
    const { log } = this.options;
    if (error instanceof InputError || error instanceof LimitError) {
      this.dropBlocks(batch.fileIds);
      await this.bisect(batch.entries, error);
      return;
    }
    this.options.onWrite(false);
    const refusal = unavailable('archive-unavailable', 'the archive does not answer', 2, error);
    this.failEntries(batch.entries, refusal);
    if (error instanceof UnavailableError) {
      this.dropBlocks(batch.fileIds);
      log.warn('BlockRefused', { lane: this.id, error });
      // Those that wait would each wait for the same deadline again, and their clients longer than is useful.
      this.failWaiting(refusal);
      return;
    }
    faultPoint('producer.write-unanswered');
    log.warn('WriteOutcomeUnknown', { lane: this.id, n: this.nextN, error });
    // Its blocks may be there: files that ended meanwhile must not be closed without them, but behind a seal.
    this.break('unknown');
  }

  /** Finds the request whose content can't be stored; its neighbours are stored without it (schedule 30). */
  private async bisect(entries: readonly Entry[], error: Error): Promise<void> {
    if (entries.length <= 1) {
      const source = entries[0]?.pending.request.source.id;
      this.options.log.error('RequestNotStorable', { lane: this.id, source, error });
      this.failEntries(entries, notStorable(error));
      return;
    }
    const middle = entries.length >> 1;
    for (const half of [entries.slice(0, middle), entries.slice(middle)]) {
      const live = half.filter((entry) => !entry.pending.settled);
      if (live.length === 0) continue;
      if (this.cause !== undefined) {
        this.failEntries(live, laneClosed());
        continue;
      }
      const batch = await this.prepare(live);
      if (batch !== undefined) await this.write(batch);
    }
  }

  private keyRecord(batch: Batch): KeyRecord | undefined {
    const pending = batch.entries[0]?.pending;
    const key = pending?.request.key;
    if (pending === undefined || key === undefined) return undefined;
    return {
      sourceId: pending.request.source.id, key: key.key, bodySha256: key.bodySha256,
      answer: pending.keyAnswer(), createdMs: this.options.clock.now(),
    };
  }

  private break(cause: BreakCause): void {
    if (this.cause !== undefined) return;
    this.cause = cause;
    this.options.openFiles.abandon();
    this.failWaiting(laneClosed());
    this.options.onBroken(cause);
    this.pump();
  }

  private failWaiting(error: Error): void {
    if (this.prepared !== undefined) {
      this.dropBlocks(this.prepared.fileIds);
      this.failEntries(this.prepared.entries, error);
      this.prepared = undefined;
    }
    this.waiting.failAll(() => error);
  }

  private dropBlocks(fileIds: readonly ReadonlySet<string>[]): void {
    if (this.cause === undefined) for (const ids of fileIds) this.options.openFiles.blockDropped(ids);
  }

  private failEntries(entries: readonly Entry[], error: Error): void {
    for (const { pending } of entries) pending.fail(error);
  }
}

function laneClosed(): IntakeError {
  return unavailable('lane-closed', 'the archive is being reconnected', 2);
}

function overloaded(): IntakeError {
  return unavailable('overloaded', 'the archive is too slow for what comes in', 5);
}

function notStorable(cause: unknown): IntakeError {
  return new IntakeError(`these lines can't be stored: ${messageOf(cause)}`, {
    status: 500, code: 'internal', cause, remedy: 'this is a defect of resilog: please report it with its log',
  });
}
