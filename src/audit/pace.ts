import type { Clock } from '../clock';
import { UnavailableError } from '../errors';

export interface PaceOptions {
  readonly clock: Clock;
  /** Read at each use; 0 means without a limit. */
  readonly readBytesPerSecond: () => number;
  readonly indexQueriesPerSecond: () => number;
  readonly signal?: AbortSignal;
}

/** Longest time that is saved up while nothing is asked for. */
const BURST_MS = 1_000;

/**
 * Keeps the audit slow, so that it takes no more of archive and index than an operator gives it. UnavailableError when
 * the signal aborted.
 */
export class Pace {
  private readonly readyMs = new Map<string, number>();

  constructor(private readonly options: PaceOptions) {}

  /** Waits until so many stored bytes may be read. */
  async bytes(count: number): Promise<void> {
    await this.take('bytes', count, this.options.readBytesPerSecond());
  }

  /** Waits until the index may be asked once. */
  async query(): Promise<void> {
    await this.take('query', 1, this.options.indexQueriesPerSecond());
  }

  private async take(what: string, count: number, perSecond: number): Promise<void> {
    const { clock, signal } = this.options;
    // A page may have hundreds of megabytes to read: whoever stops does not wait for its end.
    if (signal?.aborted) throw new UnavailableError('the audit was stopped');
    if (perSecond <= 0) return;
    const nowMs = clock.monotonic();
    const fromMs = Math.max(this.readyMs.get(what) ?? 0, nowMs - BURST_MS);
    this.readyMs.set(what, fromMs + (count * 1_000) / perSecond);
    if (fromMs > nowMs) await clock.sleep(fromMs - nowMs, signal);
  }
}
