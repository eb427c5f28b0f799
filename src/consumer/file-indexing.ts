import type { Clock } from '../clock';
import { CorruptionError, UnavailableError } from '../errors';
import type { FileDescription } from '../archive/files';
import type { FileState } from '../archive/states';
import type { Volume } from '../archive/volume';
import { faultPoint } from '../fault-points';
import type { LogIndex, Refusal } from '../index/ports';
import type { NormaliserPool } from '../normaliser/ports';
import type { SettingsWatcher } from '../registry/settings';
import type { Budget } from './budget';
import type { Errand, Indexer } from './indexer';
import type { ConsumerMetrics } from './metrics';
import { PositionTracker } from './position-tracker';
import { readSlices, type Slice, type SliceBounds } from './reader';
import { documentOf, inputOf, textOf } from './shaper';
import { StoppedError } from './stopped-error';

/** The part of a volume that consumers use. */
export type FileVolume = Pick<Volume, 'name' | 'files' | 'states' | 'ping'>;

export interface FileIndexingOptions {
  readonly clock: Clock;
  readonly index: LogIndex;
  readonly indexer: Indexer;
  readonly normaliser: NormaliserPool;
  readonly settings: SettingsWatcher;
  readonly metrics: ConsumerMetrics;
  /** Raw bytes of lines between archive and index, over all files in work. */
  readonly budget: Budget;
  readonly onProgress: () => void;
}

/** Slices a batch is made of: small enough that batches fill well and normalising starts early. */
const SLICES_A_BATCH = 4;
const SLICES_IN_FLIGHT = 16;
/**
 * A claim that was ours so long ago is asked for again before the index is changed. Whoever slept longer may have lost
 * the file, and a deletion ended since: what came now would be in the index for ever. Far below the time for which
 * deletions wait for what is on its way.
 */
const CLAIM_TRUSTED_MS = 5_000;
/** Position is written this often; it only saves work after a crash. */
const ADVANCE_MS = 1_000;
/** Set-aside records written at once. */
const SET_ASIDE_IN_FLIGHT = 16;

/**
 * Nothing at all went on for too long. It is held against the consumer, never against the file: an index that is
 * merely slow must not make dead letters of healthy files.
 */
export class StalledError extends UnavailableError {}

/** A state that was claimed. */
export interface ClaimedState {
  readonly state: FileState;
  /** When the claim was asked for, monotonic ms: it was ours after that. */
  readonly claimedAt: number;
}

/**
 * Indexes a claimed file from its Position to its end: reading, normalising and sending overlap. Position follows
 * as low-water mark; a refused line is noted at majority before it passes (schedule 14). When this
 * resolves every line was accepted, noted as set aside, or deleted. Rejects with StoppedError, FencedError, a retryable
 * error (archive or index out of reach) or what is wrong with the file.
 */
export async function indexFile(
  volume: FileVolume, file: FileDescription, claimed: ClaimedState, signal: AbortSignal, options: FileIndexingOptions,
): Promise<void> {
  const indexing = new FileIndexing(volume, file, claimed, signal, options);
  try {
    await indexing.run();
  } finally {
    await indexing.settle();
  }
}

class FileIndexing {
  private readonly tracker: PositionTracker;
  private readonly running = new Set<Promise<void>>();
  /** Give the memory of the slices in work back. Bound to their sizes only: slices that are done can go. */
  private readonly held = new Set<() => void>();
  private readonly stall: Stall;
  private failure: { readonly error: unknown } | undefined;
  private readonly state: FileState;
  private advancedTo: number;
  private advancedAt: number;
  /** Since when we know nothing of the claim, monotonic ms. */
  private confirmedAt: number;
  private confirming: Promise<void> | undefined;
  private readonly errand: Errand;

  constructor(
    private readonly volume: FileVolume,
    private readonly file: FileDescription,
    { state, claimedAt }: ClaimedState,
    private readonly signal: AbortSignal,
    private readonly options: FileIndexingOptions,
  ) {
    this.state = state;
    this.confirmedAt = claimedAt;
    this.errand = { signal, confirm: () => this.confirmClaim() };
    this.tracker = new PositionTracker(state.position);
    this.advancedTo = state.position;
    this.advancedAt = options.clock.monotonic();
    this.stall = new Stall(
      options.clock, () => options.settings.current.consumer.noProgressMs, () => options.indexer.silentMs());
    // What is stuck for ever must not hold the memory budget of all other files.
    this.stall.promise.catch(() => { for (const giveBack of this.held) giveBack(); });
    options.metrics.linesLeft.inc(state.lines - state.position);
  }

  async run(): Promise<void> {
    const { budget } = this.options;
    const slices = readSlices(this.volume.files, this.file, this.state.position, this.state.tombstones, this.bounds());
    for await (const slice of slices) {
      this.throwIfOver();
      if (!await budget.acquire(slice.bytes, this.signal)) throw new StoppedError('stopped');
      this.start(slice);
      while (this.running.size >= SLICES_IN_FLIGHT) await this.oneMore();
      await this.advance(ADVANCE_MS);
    }
    while (this.running.size > 0) await this.oneMore();
    this.throwIfOver();
    if (this.tracker.position !== this.state.lines) {
      throw new CorruptionError(`${this.tracker.position} of ${this.state.lines} lines of file ${this.file.id} were found`);
    }
  }

  /** Waits for what is still under way and saves how far it came; errors are those of `run` already. */
  async settle(): Promise<void> {
    await Promise.race([Promise.all(this.running), this.stall.promise.catch(() => undefined)]);
    this.stall.close();
    if (this.tracker.position < this.state.lines) await this.advance(0).catch(() => undefined);
    this.options.metrics.linesLeft.dec(this.state.lines - this.advancedTo);
  }

  /** Waits until a slice ended; throws when the work is over. */
  private async oneMore(): Promise<void> {
    this.throwIfOver();
    await Promise.race([...this.running, this.stall.promise]);
    this.throwIfOver();
  }

  private bounds(): SliceBounds {
    const { batchDocuments, batchBytes } = this.options.settings.current.consumer;
    return { maxLines: Math.ceil(batchDocuments / SLICES_A_BATCH), maxBytes: Math.ceil(batchBytes / SLICES_A_BATCH) };
  }

  private throwIfOver(): void {
    if (this.failure !== undefined) throw this.failure.error;
    if (this.signal.aborted) throw new StoppedError('stopped');
  }

  private start(slice: Slice): void {
    const done = this.tracker.begin(slice.first, slice.next);
    const giveBack = this.hold(slice.bytes);
    const task = this.work(slice).then(done, (error: unknown) => { this.failure ??= { error }; }).finally(() => {
      this.running.delete(task);
      giveBack();
      this.stall.progress();
      this.options.onProgress();
    });
    this.running.add(task);
  }

  /** Notes memory that was taken from the budget. The returned function gives it back, once. */
  private hold(bytes: number): () => void {
    const giveBack = (): void => {
      if (this.held.delete(giveBack)) this.options.budget.release(bytes);
    };
    this.held.add(giveBack);
    return giveBack;
  }

  private async work(slice: Slice): Promise<void> {
    const { state } = this;
    const texts = slice.lines.map((line) => ({ line, text: textOf(line.raw, state.maxIndexedLineBytes) }));
    const inputs = texts.map(({ line, text }) => inputOf(text, line, state));
    const normalised = inputs.length === 0 ? [] : await this.options.normaliser.normalise(state.definitions, inputs);
    this.throwIfOver();
    const documents = texts.flatMap(({ line, text }, i) => {
      const result = normalised[i];
      return result === undefined ? [] : [documentOf(text, line, result, state)];
    });
    if (documents.length !== slice.lines.length) throw new CorruptionError('the normaliser gave fewer results than lines');
    const refusals = await this.options.indexer.write(state.collection, documents, this.errand);
    await this.setAside(refusals);
    const unparsed = normalised.filter(({ found }) => found === '').length;
    if (unparsed > 0) this.options.metrics.unparsed(state.sourceName, unparsed);
  }

  private async confirmClaim(): Promise<void> {
    if (this.options.clock.monotonic() - this.confirmedAt < CLAIM_TRUSTED_MS) return;
    this.confirming ??= this.askForClaim().finally(() => { this.confirming = undefined; });
    await this.confirming;
  }

  private async askForClaim(): Promise<void> {
    const { clock } = this.options;
    const askedAt = clock.monotonic();
    await this.volume.states.keep(this.state.id, this.state.claim, clock.now());
    faultPoint('consumer.claim-kept');
    this.confirmedAt = askedAt;
  }

  private async setAside(refusals: readonly Refusal[]): Promise<void> {
    if (refusals.length === 0) return;
    // The file may have been replayed since, and the line accepted: it is not ours to take out.
    await this.confirmClaim();
    const { index, clock, metrics } = this.options;
    const { collection, claim, id } = this.state;
    // A former try may have been accepted, under other definitions or another schema: set aside means absent.
    if (claim > 1) {
      await index.removeIds(collection, refusals.map((refusal) => refusal.id));
      faultPoint('consumer.refused-removed');
    }
    for (let i = 0; i < refusals.length; i += SET_ASIDE_IN_FLIGHT) {
      await Promise.all(refusals.slice(i, i + SET_ASIDE_IN_FLIGHT).map(async ({ id: lineId, reason }) => {
        await this.volume.states.setAside({ fileId: id, line: lineOf(lineId), reason, atMs: clock.now() });
        faultPoint('consumer.line-set-aside');
      }));
    }
    metrics.linesSetAside.inc(refusals.length);
  }

  private async advance(afterMs: number): Promise<void> {
    const { clock } = this.options;
    const { position } = this.tracker;
    if (position <= this.advancedTo || clock.monotonic() - this.advancedAt < afterMs) return;
    this.advancedAt = clock.monotonic();
    await this.volume.states.advance(this.state.id, this.state.claim, position, clock.now());
    this.confirmedAt = this.advancedAt;
    faultPoint('consumer.position-advanced');
    this.options.metrics.linesLeft.dec(position - this.advancedTo);
    this.advancedTo = position;
  }
}

/**
 * Rejects when nothing went on for too long, neither with this file nor with others: files wait for their turn at the
 * index, and while it accepts anything they do not hang.
 */
class Stall {
  readonly promise: Promise<never>;
  private reject: (error: unknown) => void = () => undefined;
  private cancel: () => void = () => undefined;

  constructor(
    private readonly clock: Clock,
    private readonly limitMs: () => number,
    private readonly othersSilentMs: () => number,
  ) {
    this.promise = new Promise((_, reject) => { this.reject = reject; });
    this.promise.catch(() => undefined);
    this.progress();
  }

  progress(): void {
    this.arm(this.limitMs());
  }

  private arm(delayMs: number): void {
    this.cancel();
    this.cancel = this.clock.timer(delayMs, () => {
      const limitMs = this.limitMs();
      const silentMs = this.othersSilentMs();
      if (silentMs < limitMs) this.arm(limitMs - silentMs);
      else this.reject(new StalledError(`no line was finished in ${limitMs} ms`));
    });
  }

  close(): void {
    this.cancel();
  }
}

function lineOf(documentId: string): number {
  return Number(documentId.slice(documentId.lastIndexOf('!') + 1));
}
