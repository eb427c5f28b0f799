import type { Clock } from '../clock';
import { InvariantError, messageOf, UnavailableError } from '../errors';
import type { Log } from '../log';
import { DefinitionCache } from './definition-cache';
import type { DefinitionStore, Normalised, NormaliserInput, NormaliserPool } from './ports';
import { WorkerLostError, WorkerThread } from './worker-thread';

export interface WorkerPoolOptions {
  readonly store: DefinitionStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly workers: number;
  /** Lines that one message to a thread carries; default 256. */
  readonly chunkLines?: number;
  /** Lines that wait or are worked on; a caller beyond waits for room. Default 65,536. */
  readonly queuedLines?: number;
  /** Callers that wait for room; one beyond gets UnavailableError. Default 256. */
  readonly waitingCallers?: number;
  /** Time for one message; default 4,000 ms. */
  readonly chunkBudgetMs?: number;
  /** Time for one line once its message took too long; default 2,000 ms. */
  readonly lineBudgetMs?: number;
  /** Time for a thread to start and to compile a set; default 60,000 ms. */
  readonly loadBudgetMs?: number;
}

export interface WorkerPoolStatistics {
  readonly lines: number;
  /** Lines given back raw because a thread did not survive them. */
  readonly abandonedLines: number;
  readonly threadsLost: number;
  readonly queuedLines: number;
}

interface Chunk {
  readonly version: string;
  readonly inputs: readonly NormaliserInput[];
  readonly resolve: (results: readonly Normalised[]) => void;
  readonly reject: (error: unknown) => void;
}

interface WaitingCaller {
  readonly lines: number;
  readonly admit: () => void;
  readonly refuse: (error: Error) => void;
}

interface Slot {
  thread: WorkerThread | undefined;
  /** What the slot works on; never rejects. */
  running: Promise<void> | undefined;
}

/** What a line gets that no thread survives: it is indexed raw. */
const RAW: Normalised = { tags: {}, dateMs: undefined, matched: [], body: undefined };

/** Runs sets of definitions on worker threads. `close` must be called, or the threads keep the process alive. */
export class WorkerPool implements NormaliserPool {
  private readonly options: Required<WorkerPoolOptions>;
  private readonly definitions: DefinitionCache;
  private readonly slots: readonly Slot[];
  private readonly chunks: Chunk[] = [];
  private readonly waiting: WaitingCaller[] = [];
  private closed = false;
  private lines = 0;
  private abandonedLines = 0;
  private threadsLost = 0;
  private queuedLines = 0;

  constructor(options: WorkerPoolOptions) {
    this.options = {
      chunkLines: 256, queuedLines: 65_536, waitingCallers: 256, chunkBudgetMs: 4_000, lineBudgetMs: 2_000,
      loadBudgetMs: 60_000, ...options,
    };
    this.definitions = new DefinitionCache(options.store);
    this.slots = Array.from({ length: options.workers }, () => ({ thread: undefined, running: undefined }));
  }

  async normalise(version: string, inputs: readonly NormaliserInput[]): Promise<readonly Normalised[]> {
    if (inputs.length === 0) return [];
    await this.admit(inputs.length);
    try {
      if (this.closed) throw closedError();
      const { chunkLines } = this.options;
      const parts: Promise<readonly Normalised[]>[] = [];
      for (let from = 0; from < inputs.length; from += chunkLines) {
        const part = inputs.slice(from, from + chunkLines);
        parts.push(new Promise((resolve, reject) => { this.chunks.push({ version, inputs: part, resolve, reject }); }));
      }
      this.dispatch();
      return (await Promise.all(parts)).flat();
    } finally {
      this.release(inputs.length);
    }
  }

  statistics(): WorkerPoolStatistics {
    const { lines, abandonedLines, threadsLost, queuedLines } = this;
    return { lines, abandonedLines, threadsLost, queuedLines };
  }

  /** Lines not begun are refused; what runs ends within its budget. Idempotent. */
  async close(): Promise<void> {
    this.closed = true;
    const error = closedError();
    for (const chunk of this.chunks.splice(0)) chunk.reject(error);
    for (const { refuse } of this.waiting.splice(0)) refuse(error);
    await Promise.all(this.slots.map(async (slot) => {
      await slot.running;
      await slot.thread?.stop();
      slot.thread = undefined;
    }));
  }

  /** Waits for room. A call larger than all room is admitted alone. */
  private async admit(lines: number): Promise<void> {
    if (this.closed) throw closedError();
    if (this.waiting.length === 0 && this.hasRoom(lines)) {
      this.queuedLines += lines;
      return;
    }
    if (this.waiting.length >= this.options.waitingCallers) {
      throw new UnavailableError('too many callers wait for the normaliser', { remedy: 'Try again later.' });
    }
    await new Promise<void>((admit, refuse) => { this.waiting.push({ lines, admit, refuse }); });
  }

  private hasRoom(lines: number): boolean {
    return this.queuedLines === 0 || this.queuedLines + lines <= this.options.queuedLines;
  }

  private release(lines: number): void {
    this.queuedLines -= lines;
    for (let next = this.waiting[0]; next !== undefined && this.hasRoom(next.lines); next = this.waiting[0]) {
      this.waiting.shift();
      this.queuedLines += next.lines;
      next.admit();
    }
  }

  private dispatch(): void {
    for (const slot of this.slots) {
      if (slot.running !== undefined) continue;
      const chunk = this.chunks.shift();
      if (chunk === undefined) return;
      slot.running = this.work(slot, chunk);
    }
  }

  private async work(slot: Slot, chunk: Chunk): Promise<void> {
    try {
      const results = await this.results(slot, chunk);
      this.lines += results.length;
      chunk.resolve(results);
    } catch (error) {
      chunk.reject(error);
    } finally {
      slot.running = undefined;
      this.dispatch();
    }
  }

  private async results(slot: Slot, chunk: Chunk): Promise<readonly Normalised[]> {
    const thread = await this.ready(slot, chunk.version);
    try {
      return await thread.normalise(chunk.version, chunk.inputs, this.options.chunkBudgetMs);
    } catch (error) {
      if (!(error instanceof WorkerLostError)) throw error;
      this.forget(slot, error);
      return this.oneByOne(slot, chunk);
    }
  }

  /** Finds the lines that a thread does not survive; only they lose their tags. */
  private async oneByOne(slot: Slot, chunk: Chunk): Promise<readonly Normalised[]> {
    const results: Normalised[] = [];
    for (const input of chunk.inputs) {
      if (this.closed) throw closedError();
      const thread = await this.ready(slot, chunk.version);
      try {
        const [result] = await thread.normalise(chunk.version, [input], this.options.lineBudgetMs);
        if (result === undefined) throw new InvariantError('a worker gave no result');
        results.push(result);
      } catch (error) {
        if (!(error instanceof WorkerLostError)) throw error;
        this.forget(slot, error);
        this.abandonedLines += 1;
        results.push(RAW);
      }
    }
    return results;
  }

  /** A thread that has the set. One that dies before it could be asked is the fault of no line. */
  private async ready(slot: Slot, version: string): Promise<WorkerThread> {
    const set = await this.definitions.get(version);
    slot.thread ??= new WorkerThread({
      clock: this.options.clock, loadBudgetMs: this.options.loadBudgetMs, setsKept: 4, heapMegabytes: 512,
    });
    const { thread } = slot;
    try {
      await thread.load(set);
      return thread;
    } catch (error) {
      if (error instanceof WorkerLostError) this.forget(slot, error);
      throw error;
    }
  }

  private forget(slot: Slot, error: WorkerLostError): void {
    this.threadsLost += 1;
    this.options.log.warn('NormaliserThreadLost', { reason: messageOf(error) });
    const { thread } = slot;
    slot.thread = undefined;
    // Its end is not waited for: nothing depends on it, and a replacement starts at once.
    thread?.stop().catch((reason: unknown) => {
      this.options.log.warn('NormaliserThreadStopFailed', { reason: messageOf(reason) });
    });
  }
}

function closedError(): UnavailableError {
  return new UnavailableError('the normaliser is closed');
}
