import type { Clock } from '../clock';
import { messageOf } from '../errors';
import type { Log } from '../log';
import type { QueueConsumer, TakenItem } from '../queue/ports';
import type { Random } from '../random';
import { backoffMs } from '../retry';
import { Budget } from './budget';
import { Fences } from './fences';
import type { FileOutcome } from './file-work';
import { workOnItem } from './item-work';
import type { ConsumerMetrics } from './metrics';

/** Files worked on at the same time, and items taken whose work has not ended. */
const FILES_IN_WORK = 16;
const ITEMS_IN_WORK = 32;
/** Items that wait before they are put back; beyond, they are not waited for. */
const ITEMS_WAITING = 512;
const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 10_000;

export interface RunnerOptions {
  readonly queue: QueueConsumer;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: ConsumerMetrics;
  /** Resolves to how a take of the file ended; never rejects. */
  readonly workOnFile: (id: string, signal: AbortSignal) => Promise<FileOutcome>;
  /** Makes sure that archive and index can be worked with (collections exist); rejects while they can't. */
  readonly prepare: () => Promise<void>;
}

export type RunnerState = 'starting' | 'running' | 'paused' | 'closing' | 'closed';

/**
 * Takes items and works on a bounded number of files. When archive or index are out of reach it stops all work, gives
 * its buckets to others, and tries again after growing pauses, asking first whether they answer (schedule 28).
 * Work under a lost fence is stopped; nothing of it is acknowledged.
 */
export class Runner {
  state: RunnerState = 'starting';
  private readonly stopping = new AbortController();
  private readonly fences = new Fences();
  private readonly places = new Budget(FILES_IN_WORK);
  private readonly items = new Budget(ITEMS_IN_WORK);
  private readonly inWork = new Map<string, Promise<FileOutcome>>();
  private readonly work = new Set<Promise<void>>();
  private waiting = 0;
  private troubles = 0;
  private main: Promise<void> = Promise.resolve();

  constructor(private readonly options: RunnerOptions) {}

  get filesInWork(): number {
    return this.inWork.size;
  }

  async start(): Promise<void> {
    await this.options.queue.start((fence) => { this.fences.lost(fence); });
    this.main = this.loop();
  }

  /** Stops taking, lets files in work end until half of the deadline is over, then stops them; all is put back. */
  async close(deadlineMs: number): Promise<void> {
    const { clock, queue } = this.options;
    this.state = 'closing';
    this.stopping.abort();
    await Promise.race([this.settled(), clock.sleep(deadlineMs / 2)]);
    this.fences.abortAll();
    await Promise.race([this.settled(), clock.sleep(deadlineMs / 4)]);
    await Promise.race([queue.close(), clock.sleep(deadlineMs / 4)]);
    this.state = 'closed';
  }

  private async settled(): Promise<void> {
    await this.main;
    while (this.work.size > 0) await Promise.all(this.work);
  }

  private async loop(): Promise<void> {
    const { signal } = this.stopping;
    let ready = false;
    while (!signal.aborted) {
      if (!ready || this.troubles > 0) {
        ready = await this.recover();
        continue;
      }
      this.state = 'running';
      if (!await this.items.acquire(1, signal)) break;
      const taken = await this.take();
      if (taken === undefined) this.items.release(1);
      else this.run(taken);
    }
  }

  /** One item, or none when we were stopped or work has to pause. */
  private async take(): Promise<TakenItem | undefined> {
    const pause = new AbortController();
    this.onTrouble = () => { pause.abort(); };
    if (this.troubles > 0) return undefined;
    try {
      const [item] = await this.options.queue.take(1, AbortSignal.any([this.stopping.signal, pause.signal]));
      return item;
    } catch (error) {
      this.options.log.warn('QueueNotRead', { error: messageOf(error) });
      await this.options.clock.sleep(FIRST_PAUSE_MS, this.stopping.signal);
      return undefined;
    }
  }

  private onTrouble: () => void = () => undefined;

  private run(item: TakenItem): void {
    const signal = this.fences.signalOf(item.fence);
    const { options } = this;
    const task = workOnItem(item, signal, {
      ...options,
      stopping: this.stopping.signal,
      workOnFile: (id, fence) => this.fileOnce(id, fence),
      onUnavailable: (error) => { this.trouble(error); },
    }).then(async (settle) => {
      // An item that waits before it is put back does not take the place of one to work on.
      this.items.release(1);
      this.waiting += 1;
      try {
        if (this.waiting <= ITEMS_WAITING) await settle();
        else options.queue.putBack([item]);
      } finally {
        this.waiting -= 1;
      }
    }).finally(() => { this.work.delete(task); });
    this.work.add(task);
  }

  /** Two items may name one file (schedule 18): both share the work and its outcome. */
  private fileOnce(id: string, signal: AbortSignal): Promise<FileOutcome> {
    const running = this.inWork.get(id);
    if (running !== undefined) return running;
    const work = this.filePlaced(id, signal).finally(() => { this.inWork.delete(id); });
    this.inWork.set(id, work);
    return work;
  }

  private async filePlaced(id: string, signal: AbortSignal): Promise<FileOutcome> {
    const stop = AbortSignal.any([signal, this.stopping.signal]);
    if (!await this.places.acquire(1, stop)) return { kind: 'left', reason: 'stopped' };
    try {
      const outcome = await this.options.workOnFile(id, signal);
      this.options.metrics.files.inc({ outcome: outcome.kind === 'left' ? outcome.reason : outcome.kind });
      return outcome;
    } finally {
      this.places.release(1);
    }
  }

  private trouble(error: unknown): void {
    if (this.troubles > 0 || this.stopping.signal.aborted) return;
    this.troubles = 1;
    this.options.metrics.pauses.inc();
    this.options.log.warn('ConsumerPaused', { error });
    this.onTrouble();
    this.fences.abortAll();
    void this.release(FIRST_PAUSE_MS);
  }

  /** One pause, then a try. True when work can go on. */
  private async recover(): Promise<boolean> {
    const { clock, random, log, prepare } = this.options;
    if (this.troubles > 0) {
      this.state = 'paused';
      const pauseMs = backoffMs(this.troubles, random, FIRST_PAUSE_MS, MAX_PAUSE_MS);
      await this.release(pauseMs);
      while (this.work.size > 0) await Promise.all(this.work);
      await clock.sleep(pauseMs, this.stopping.signal);
    }
    try {
      await prepare();
      if (this.troubles > 0) log.info('ConsumerResumed');
      this.troubles = 0;
      return true;
    } catch (error) {
      if (this.troubles === 0) log.warn('ConsumerNotReady', { error });
      this.troubles += 1;
      return false;
    }
  }

  private async release(pauseMs: number): Promise<void> {
    try {
      await this.options.queue.release(pauseMs);
    } catch (error) {
      this.options.log.debug('BucketsNotReleased', { error: messageOf(error) });
    }
  }
}
