import type { Clock } from '../clock';
import { UnavailableError } from '../errors';
import { faultPoint } from '../fault-points';
import type { IndexDocument, LogIndex, Refusal } from '../index/ports';
import type { Random } from '../random';
import type { SettingsWatcher } from '../registry/settings';
import { isRetryable, retry } from '../retry';
import { Batcher, type BatchBounds, type Entry } from './batcher';
import type { CommitPolicy } from './commit-policy';
import type { ConsumerMetrics } from './metrics';
import { StoppedError } from './stopped-error';

/** Tries of one request before the index counts as unreachable; longer failures are a reason to stop (schedule 29). */
const ATTEMPTS = 2;
/** A batch that took longer than this is a reason not to make larger ones. */
const SLOW_MS = 2_000;
const SMALLEST_BATCH = 50;
/** A batch filled to this share counts as full. */
const FULL_SHARE = 0.75;
const BACKLOG_FACTOR = 15;
/** No setting allows larger ones. */
const LARGEST_BATCH = 100_000;
/** A cold index is slow: batches begin small and grow as they are managed. */
const FIRST_BATCH = 250;
const LINGER_MS = 40;
/** Bytes of a document besides its text, for estimating the size of a request. */
const DOCUMENT_BYTES = 300;

export interface IndexerOptions {
  readonly index: LogIndex;
  readonly clock: Clock;
  readonly random: Random;
  readonly settings: SettingsWatcher;
  readonly commits: CommitPolicy;
  readonly metrics: ConsumerMetrics;
}

/** The work that slices belong to. */
export interface Errand {
  /** Aborts when the work is over. */
  readonly signal: AbortSignal;
  /** Asked before each try to send: rejects with FencedError when the work is another's by now. */
  readonly confirm: () => Promise<void>;
}

interface Ticket {
  readonly confirm: () => Promise<void>;
  readonly resolve: (refusals: readonly Refusal[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Sends documents in batches, several in flight, and tells each slice what became of its own. */
export class Indexer {
  private readonly batcher = new Batcher<Ticket>();
  private inFlight = 0;
  /** Documents of a batch that the index was found to manage: halved when one gets no answer, then grown again. */
  private manageable = FIRST_BATCH;
  private lastAcceptedAt: number;
  private cancelTimer: (() => void) | undefined;

  constructor(private readonly options: IndexerOptions) {
    this.lastAcceptedAt = options.clock.monotonic();
  }

  /** Time since a batch was accepted, in ms. */
  silentMs(): number {
    return this.options.clock.monotonic() - this.lastAcceptedAt;
  }

  /**
   * Resolves with the refused ones when the index accepted all others. Rejects with a retryable error when it was not
   * reached (documents may have been applied), with what is wrong with this slice, with FencedError, or with
   * StoppedError when the signal came before it was sent: behind an index without answers a backlog of slices would
   * wait for a minute.
   */
  async write(
    collection: string, documents: readonly IndexDocument[], { signal, confirm }: Errand,
  ): Promise<readonly Refusal[]> {
    if (documents.length === 0) return [];
    if (signal.aborted) throw new StoppedError('stopped');
    const bytes = documents.reduce((sum, document) => sum + document.text.length + DOCUMENT_BYTES, 0);
    let giveUp = (): void => undefined;
    const settled = new Promise<readonly Refusal[]>((resolve, reject) => {
      const since = this.options.clock.monotonic();
      const entry = { collection, documents, bytes, since, ticket: { resolve, reject, confirm } };
      giveUp = () => {
        if (this.batcher.remove(entry)) reject(new StoppedError('stopped'));
      };
      signal.addEventListener('abort', giveUp);
      this.batcher.add(entry);
      this.pump();
    });
    try {
      return await settled;
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  private bounds(): BatchBounds {
    const { batchDocuments, batchBytes } = this.options.settings.current.consumer;
    return { maxDocuments: Math.min(batchDocuments, this.manageable), maxBytes: batchBytes, lingerMs: LINGER_MS };
  }

  private pump(): void {
    const bounds = this.bounds();
    const now = this.options.clock.monotonic();
    while (this.inFlight < this.options.settings.current.consumer.batchesInFlight) {
      const batch = this.batcher.next(now, bounds);
      if (batch === undefined) break;
      this.inFlight += 1;
      void this.send(batch).finally(() => {
        this.inFlight -= 1;
        this.pump();
      });
    }
    this.arm(now, bounds);
  }

  /** Looks again when the oldest slice has waited long enough. Finished batches look by themselves. */
  private arm(now: number, bounds: BatchBounds): void {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
    const due = this.batcher.due(bounds);
    if (due === undefined || this.inFlight >= this.options.settings.current.consumer.batchesInFlight) return;
    this.cancelTimer = this.options.clock.timer(Math.max(1, due - now), () => { this.pump(); });
  }

  private async send(batch: readonly Entry<Ticket>[]): Promise<void> {
    try {
      this.settle(batch, await this.add(batch));
    } catch (error) {
      if (isRetryable(error) || batch.length === 1) {
        for (const { ticket } of batch) ticket.reject(error);
        return;
      }
      // Something in the batch can't be sent at all: each slice alone, so that it fails only its own file.
      for (const entry of batch) await this.send([entry]);
    }
  }

  private async add(batch: readonly Entry<Ticket>[]): Promise<readonly Refusal[]> {
    const { index, metrics, clock, commits } = this.options;
    const documents = batch.flatMap((entry) => entry.documents);
    const collection = batch[0]?.collection ?? '';
    const started = clock.monotonic();
    try {
      const refusals = await retry(
        async () => {
          await Promise.all(batch.map(({ ticket }) => ticket.confirm()));
          const refused = await index.add(collection, documents, this.searchableWithinMs(documents.length));
          faultPoint('consumer.batch-sent');
          return refused;
        },
        { ...this.options, attempts: ATTEMPTS });
      if (refusals.length === documents.length) await this.doubt(collection, documents, refusals);
      this.accepted(clock.monotonic() - started);
      metrics.batches.inc({ outcome: 'accepted' });
      metrics.linesIndexed.inc(documents.length - refusals.length);
      metrics.linesRefused.inc(refusals.length);
      commits.added(collection, documents.length - refusals.length);
      return refusals;
    } catch (error) {
      metrics.batches.inc({ outcome: 'failed' });
      if (isRetryable(error)) this.manageable = Math.max(SMALLEST_BATCH, Math.ceil(documents.length / 2));
      throw error;
    } finally {
      metrics.batchDocuments.observe(documents.length);
      metrics.batchSeconds.observe((clock.monotonic() - started) / 1_000);
    }
  }

  /**
   * All of a batch was refused: an index that refuses whatever it is given, because its schema was broken, say, must
   * not make set-aside lines of a whole backlog. One document without any content decides. It has the id of one that
   * was refused, so that after a crash it goes with the next try of that line. UnavailableError if it is refused, too.
   */
  private async doubt(
    collection: string, [first]: readonly IndexDocument[], [refusal]: readonly Refusal[],
  ): Promise<void> {
    if (first === undefined) return;
    const { index } = this.options;
    const bare: IndexDocument = {
      ...first, text: '', truncated: false, tags: {}, body: undefined, normalizers: [], dateMs: first.receivedMs,
    };
    const [refused] = await index.add(collection, [bare]);
    faultPoint('consumer.bare-document-sent');
    if (refused === undefined) {
      await index.removeIds(collection, [bare.id]);
      faultPoint('consumer.bare-document-removed');
      return;
    }
    throw new UnavailableError(
      `the index refuses every line, even an empty one: ${refused.reason}; first: ${refusal?.reason ?? ''}`,
      { remedy: `mend the schema of the collection ${collection}; no line is set aside until it takes an empty one` });
  }

  /**
   * Full batches say that there is a backlog: then opening searchers less often gives all of it sooner. Whoever is
   * not behind sends smaller ones.
   */
  private searchableWithinMs(documents: number): number {
    const { softCommitMs } = this.options.settings.current.consumer;
    return documents >= FULL_SHARE * this.bounds().maxDocuments ? softCommitMs * BACKLOG_FACTOR : softCommitMs;
  }

  private accepted(durationMs: number): void {
    this.lastAcceptedAt = this.options.clock.monotonic();
    if (durationMs >= SLOW_MS) return;
    this.manageable = Math.min(LARGEST_BATCH, Math.ceil(this.manageable * 1.25));
  }

  private settle(batch: readonly Entry<Ticket>[], refusals: readonly Refusal[]): void {
    const byId = new Map(refusals.map((refusal) => [refusal.id, refusal]));
    for (const { documents, ticket } of batch) {
      const own = byId.size === 0 ? [] : documents.flatMap((document) => byId.get(document.id) ?? []);
      ticket.resolve(own);
    }
  }
}
