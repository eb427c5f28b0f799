import type { Clock } from '../clock';
import { faultPoint } from '../fault-points';
import type { Log } from '../log';
import type { QueueProducer } from '../queue/ports';
import type { Random } from '../random';
import { backoffMs } from '../retry';
import type { CloseFiles, CloseRequest, ClosedFile } from './ports';

/** Ids that wait until the queue takes them; more are left to the recoverer. */
const UNQUEUED_MAX = 20_000;

export interface ClosingOptions {
  readonly closeFiles: CloseFiles;
  readonly queue: QueueProducer;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly onClosed?: (files: number, durationMs: number) => void;
}

/**
 * Closes files of one volume, one request after another: several closing transactions at once make every write to the
 * journal wait for seconds (schedule 50). A close that fails is tried again until it succeeds, in the background and
 * without holding intake up; what waits here is bounded by the bound on the journal's blocks. What is not done when
 * the process ends is the recoverer's.
 */
export class Closing {
  private readonly requests: CloseRequest[] = [];
  private running = false;
  private inWork = 0;
  private readonly unqueued = new Set<string>();
  private enqueuing = false;
  private readonly stop = new AbortController();
  private readonly idleCallbacks: (() => void)[] = [];

  constructor(private readonly options: ClosingOptions) {}

  /** Requests that are not done, the one in work included. */
  get pending(): number {
    return this.requests.length + this.inWork;
  }

  add(request: CloseRequest): void {
    this.requests.push(request);
    if (!this.running) void this.run();
  }

  /** Resolves when nothing is left to close. */
  async drained(): Promise<void> {
    if (!this.running) return;
    await new Promise<void>((resolve) => { this.idleCallbacks.push(resolve); });
  }

  /** Ends the retries; what is left stays for the recoverer. Idempotent. */
  close(): void {
    this.stop.abort();
    this.requests.length = 0;
  }

  private async run(): Promise<void> {
    this.running = true;
    let failures = 0;
    for (let request = this.requests.shift(); request !== undefined; request = this.requests.shift()) {
      this.inWork = 1;
      const closed = await this.tryToClose(request);
      this.inWork = 0;
      if (closed !== undefined) {
        failures = 0;
        await this.enqueue(closed);
      } else if (!this.stop.signal.aborted) {
        // To the end: one that can't be closed must not hold the others back.
        this.requests.push(request);
        failures += 1;
        await this.options.clock.sleep(backoffMs(failures, this.options.random, 200, 10_000), this.stop.signal);
      }
    }
    this.running = false;
    for (const callback of this.idleCallbacks.splice(0)) callback();
  }

  private async tryToClose(request: CloseRequest): Promise<readonly ClosedFile[] | undefined> {
    const { clock, log } = this.options;
    const startedMs = clock.monotonic();
    try {
      const closed = await this.options.closeFiles(request);
      faultPoint('producer.files-closed');
      this.options.onClosed?.(closed.length, clock.monotonic() - startedMs);
      log.debug('FilesClosed', { lane: request.lane, files: closed.length });
      return closed;
    } catch (error) {
      // Also a defect is tried again: the lines are safe in the journal, and the log says what is wrong.
      log.warn('ClosingFailed', { lane: request.lane, error });
      return undefined;
    }
  }

  /**
   * The queue is a hint: what did not get there when the process ends the recoverer enqueues. That takes minutes, so
   * ids that could not be put are tried again until then.
   */
  private async enqueue(closed: readonly ClosedFile[]): Promise<void> {
    const ids = closed.filter((file) => file.indexed).map((file) => file.id);
    if (ids.length === 0) return;
    if (this.unqueued.size === 0 && await this.put(ids)) return;
    for (const id of ids) if (this.unqueued.size < UNQUEUED_MAX) this.unqueued.add(id);
    if (!this.enqueuing) void this.enqueueLater();
  }

  private async enqueueLater(): Promise<void> {
    const { clock, random } = this.options;
    this.enqueuing = true;
    for (let failures = 1; this.unqueued.size > 0; failures += 1) {
      await clock.sleep(backoffMs(failures, random, 200, 5_000), this.stop.signal);
      if (this.stop.signal.aborted) break;
      const ids = [...this.unqueued];
      if (!await this.put(ids)) continue;
      for (const id of ids) this.unqueued.delete(id);
      failures = 0;
    }
    this.enqueuing = false;
  }

  private async put(ids: readonly string[]): Promise<boolean> {
    const { queue, log } = this.options;
    try {
      await queue.put(ids);
      faultPoint('producer.files-queued');
      return true;
    } catch (error) {
      log.warn('EnqueueingFailed', { files: ids.length, error });
      return false;
    }
  }
}
