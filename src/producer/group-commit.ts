import type { KeyAnswer, KeyRecord, SegmentSource } from '../archive/journal';
import { limits } from '../limits';
import type { LineRun } from './line-accumulator';

/** Segments in one block: their descriptions have to fit in the document beside 8 MiB of data. */
const MAX_RUNS = 4_096;

/** A whole body on its way into a lane. */
export interface LaneRequest {
  readonly source: SegmentSource;
  readonly receivedMs: number;
  readonly runs: readonly LineRun[];
  /** With an Idempotency-Key: blocks and key record are one transaction. */
  readonly key?: { readonly key: string; readonly bodySha256: string };
}

/** stored: durable. repeated, busy: nothing was written, since the key is known or being written elsewhere. */
export type LaneResult =
  | { readonly outcome: 'stored'; readonly files: readonly string[] }
  | { readonly outcome: 'repeated'; readonly record: KeyRecord }
  | { readonly outcome: 'busy' };

/** A request in a lane; settled exactly once, when the last of its entries is stored or the first one fails. */
export class PendingRequest {
  readonly files = new Set<string>();
  private remaining: number;
  private isSettled = false;

  constructor(
    readonly request: LaneRequest,
    readonly queuedMs: number,
    private readonly resolve: (result: LaneResult) => void,
    private readonly reject: (error: Error) => void,
  ) {
    this.remaining = request.key === undefined ? request.runs.length : 1;
  }

  get settled(): boolean {
    return this.isSettled;
  }

  /** One entry is durable. */
  entryStored(): void {
    this.remaining -= 1;
    if (this.remaining === 0) this.answer({ outcome: 'stored', files: [...this.files] });
  }

  answer(result: LaneResult): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.resolve(result);
  }

  fail(error: Error): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.reject(error);
  }

  keyAnswer(): KeyAnswer {
    const { runs } = this.request;
    return {
      lines: runs.reduce((sum, run) => sum + run.lines, 0),
      bytes: runs.reduce((sum, run) => sum + run.raw.length, 0),
      files: [...this.files],
    };
  }
}

/** What is never torn apart: one run of a request, or all runs of a keyed one. */
export interface Entry {
  readonly pending: PendingRequest;
  readonly runs: readonly LineRun[];
  readonly rawBytes: number;
}

/**
 * Requests that wait for the lane. What waits together is stored together: many small requests in one block, a
 * large one in several, a keyed one alone. Its memory is bounded by the budget that its bodies were reserved from.
 */
export class WaitingEntries {
  /** Those before `head` are taken and forgotten: an entry that stayed here would keep its lines in memory. */
  private entries: (Entry | undefined)[] = [];
  private head = 0;
  private bytes = 0;

  get length(): number {
    return this.entries.length - this.head;
  }

  get rawBytes(): number {
    return this.bytes;
  }

  add(pending: PendingRequest): void {
    const { key, runs } = pending.request;
    const parts = key === undefined ? runs.map((run) => [run]) : [runs];
    for (const part of parts) {
      const rawBytes = part.reduce((sum, run) => sum + run.raw.length, 0);
      this.entries.push({ pending, runs: part, rawBytes });
      this.bytes += rawBytes;
    }
  }

  /** The entries of the next write, in order; empty when nothing waits. Those of failed requests are dropped. */
  take(): Entry[] {
    const taken: Entry[] = [];
    let rawBytes = 0;
    for (let entry = this.entries[this.head]; entry !== undefined; entry = this.entries[this.head]) {
      if (!entry.pending.settled) {
        const keyed = entry.pending.request.key !== undefined;
        const full = taken.length >= MAX_RUNS || rawBytes + entry.rawBytes > limits.blockRawBytes;
        if (taken.length > 0 && (keyed || full)) break;
        taken.push(entry);
        rawBytes += entry.rawBytes;
        this.remove(entry);
        if (keyed) break;
      } else {
        this.remove(entry);
      }
    }
    return taken;
  }

  /** Fails what has waited since before `queuedMs`. */
  expire(queuedMs: number, error: () => Error): void {
    for (const entry of this.entries.slice(this.head)) {
      if (entry === undefined || entry.pending.queuedMs >= queuedMs) break;
      entry.pending.fail(error());
    }
  }

  failAll(error: () => Error): void {
    for (const entry of this.entries.slice(this.head)) entry?.pending.fail(error());
    this.entries = [];
    this.head = 0;
    this.bytes = 0;
  }

  private remove(entry: Entry): void {
    this.entries[this.head] = undefined;
    this.head += 1;
    this.bytes -= entry.rawBytes;
    if (this.head < 1_024 || this.head * 2 < this.entries.length) return;
    this.entries = this.entries.slice(this.head);
    this.head = 0;
  }
}
