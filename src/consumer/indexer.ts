import type { Clock } from '../clock';
import { NotFoundError, PermissionError, UnavailableError } from '../errors';
import { faultPoint } from '../fault-points';
import type { IndexDocument, LogIndex, Refusal } from '../index/ports';
import type { Random } from '../random';
import type { SettingsWatcher } from '../registry/settings';
import { backoffMs, isRetryable } from '../retry';
import { Batcher, type BatchBounds, type Entry } from './batcher';
import type { CommitPolicy } from './commit-policy';
import type { ConsumerMetrics } from './metrics';
import { Pace } from './pace';
import { StoppedError } from './stopped-error';

/** Failures in a row before the index counts as unreachable; longer failures are a reason to stop (schedule 29). */
const ATTEMPTS = 2;
/** A batch filled to this share counts as full. */
const FULL_SHARE = 0.75;
const BACKLOG_FACTOR = 15;
const LINGER_MS = 40;
/** Bytes of a document besides its text and tags, for estimating the size of a request. */
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
  private readonly pace = new Pace();
  private inFlight = 0;
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
    const bytes = documents.reduce((sum, { text, found: { length } }) => (
      sum + text.length + length + DOCUMENT_BYTES), 0);
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
    return { maxDocuments: Math.min(batchDocuments, this.pace.documents), maxBytes: batchBytes, lingerMs: LINGER_MS };
  }

  private maySend(): boolean {
    return this.inFlight < Math.min(this.options.settings.current.consumer.batchesInFlight, this.pace.requests);
  }

  private pump(): void {
    const bounds = this.bounds();
    const now = this.options.clock.monotonic();
    while (this.maySend()) {
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
    if (due === undefined || !this.maySend()) return;
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
    const { metrics, clock, commits } = this.options;
    const documents = batch.flatMap((entry) => entry.documents);
    const collection = batch[0]?.collection ?? '';
    const started = clock.monotonic();
    try {
      const refusals = await this.addInParts(collection, documents, batch);
      metrics.batches.inc({ outcome: 'accepted' });
      metrics.linesIndexed.inc(documents.length - refusals.length);
      metrics.linesRefused.inc(refusals.length);
      commits.added(collection, documents.length - refusals.length);
      return refusals;
    } catch (error) {
      metrics.batches.inc({ outcome: 'failed' });
      throw error;
    } finally {
      metrics.batchDocuments.observe(documents.length);
      metrics.batchSeconds.observe((clock.monotonic() - started) / 1_000);
    }
  }

  /** As one request as a rule. What the index did not manage is not sent again as it was, but part by part. */
  private async addInParts(
    collection: string, documents: readonly IndexDocument[], batch: readonly Entry<Ticket>[],
  ): Promise<readonly Refusal[]> {
    const refusals: Refusal[] = [];
    let failures = 0;
    for (let sent = 0; sent < documents.length;) {
      const part = documents.slice(sent, sent + this.pace.documents);
      try {
        await Promise.all(batch.map(({ ticket }) => ticket.confirm()));
        const refused = await this.addPart(collection, part);
        if (refused.length === part.length) await this.doubt(collection, part, refused);
        refusals.push(...refused);
        sent += part.length;
        failures = 0;
      } catch (caught) {
        const error = troubleOf(caught, collection);
        failures += 1;
        if (failures >= ATTEMPTS || !isRetryable(error)) throw error;
        await this.options.clock.sleep(backoffMs(failures, this.options.random));
      }
    }
    return refusals;
  }

  private async addPart(collection: string, part: readonly IndexDocument[]): Promise<readonly Refusal[]> {
    const { index, clock } = this.options;
    const started = clock.monotonic();
    try {
      const refusals = await index.add(collection, part, this.searchableWithinMs(part.length));
      faultPoint('consumer.batch-sent');
      this.lastAcceptedAt = clock.monotonic();
      this.pace.accepted(this.lastAcceptedAt - started);
      return refusals;
    } catch (error) {
      if (isRetryable(error)) this.pace.unanswered(part.length, this.inFlight);
      throw error;
    }
  }

  /**
   * All of a request was refused: an index that refuses whatever it is given, because its schema was broken, say, must
   * not make set-aside lines of a whole backlog. One document without any content decides. It has the id of one that
   * was refused, so that after a crash it goes with the next try of that line. UnavailableError if it is refused, too.
   */
  private async doubt(
    collection: string, [first]: readonly IndexDocument[], [refusal]: readonly Refusal[],
  ): Promise<void> {
    if (first === undefined) return;
    const { index } = this.options;
    const bare: IndexDocument = {
      ...first, text: '', truncated: false, found: '', dateMs: first.receivedMs,
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

  private settle(batch: readonly Entry<Ticket>[], refusals: readonly Refusal[]): void {
    const byId = new Map(refusals.map((refusal) => [refusal.id, refusal]));
    for (const { documents, ticket } of batch) {
      const own = byId.size === 0 ? [] : documents.flatMap((document) => byId.get(document.id) ?? []);
      ticket.resolve(own);
    }
  }
}

/** A collection that is gone, or that we may not write to, is trouble of the index, not of the lines that it meets. */
function troubleOf(error: unknown, collection: string): unknown {
  if (error instanceof NotFoundError) {
    return new UnavailableError(`the index has no collection ${collection} any more`, {
      cause: error, remedy: 'consumers make it anew, empty: put back a copy of what it held, see "Backup" in docs/operating.md',
    });
  }
  if (error instanceof PermissionError) {
    return new UnavailableError(`the index refuses this consumer: ${error.message}`, {
      cause: error, remedy: `let its user write to the collection ${collection}`,
    });
  }
  return error;
}
