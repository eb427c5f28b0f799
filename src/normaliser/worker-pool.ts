import type { Clock } from '../clock';
import { messageOf, UnavailableError } from '../errors';
import type { Log } from '../log';
import { DefinitionCache } from './definition-cache';
import type { PackedResults } from './packed-results';
import { type PatternTreatment, treatment } from './pattern-control';
import { type PatternOffence, PatternOffences } from './pattern-offences';
import type { DefinitionStore, Match, NormalisedLine, NormaliserInput, NormaliserPool } from './ports';
import { threadCpuMs } from './thread-cpu-time';
import { WorkerChunk } from './worker-chunk';
import { WorkerBusyError, WorkerLostError, WorkerThread } from './worker-thread';

export interface WorkerPoolOptions {
  readonly store: DefinitionStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly workers: number;
  /**
   * Lines that one message to a thread carries. Default 128: what larger ones carry takes pages of memory of its own,
   * and the kernel as long as all else.
   */
  readonly chunkLines?: number;
  /** Lines that wait or are worked on; a caller beyond waits for room. Default 65,536. */
  readonly queuedLines?: number;
  /** Callers that wait for room; one beyond gets UnavailableError. Default 256. */
  readonly waitingCallers?: number;
  /** Computing time for one line; a thread that exceeds it is replaced. Default 500 ms. */
  readonly lineBudgetMs?: number;
  /** Threads that a pattern may cost before it is matched in linear time only; default 2. */
  readonly offencesUntilSuspended?: number;
  /** Time for a thread to start and to compile a set; default 60,000 ms. */
  readonly loadBudgetMs?: number;
  /** Milliseconds that a thread has computed; undefined: unknown. Default: what Linux tells. */
  readonly threadCpuMs?: (threadId: number) => number | undefined;
  /** Told when a pattern cost a thread. */
  readonly onOffence?: (offence: PatternOffence) => void;
}

export interface WorkerPoolStatistics {
  readonly lines: number;
  /** Lines given back raw because no thread survived them. */
  readonly abandonedLines: number;
  readonly threadsLost: number;
  readonly queuedLines: number;
}

/** Characters of one message: what a thread and the pool hold at a time. */
const CHUNK_CHARACTERS = 4 * 1024 * 1024;

interface WaitingCaller {
  readonly lines: number;
  readonly admit: () => void;
  readonly refuse: (error: Error) => void;
}

interface ReadyThread {
  readonly thread: WorkerThread;
  /** Of the set asked for, by number. */
  readonly patterns: readonly Match[];
}

interface Slot {
  thread: WorkerThread | undefined;
  /** What its thread was given, in order, each until it is done; none rejects. */
  readonly running: Map<WorkerChunk, Promise<void>>;
}

/** Chunks that a thread is given at once: it goes on with the second while whoever asks is busy with the first. */
const CHUNKS_OF_A_THREAD = 2;

/** Runs sets of definitions on worker threads. `close` must be called, or the threads keep the process alive. */
export class WorkerPool implements NormaliserPool {
  private readonly options: Required<WorkerPoolOptions>;
  private readonly definitions: DefinitionCache;
  private readonly slots: readonly Slot[];
  private readonly offences: PatternOffences;
  private readonly chunks: WorkerChunk[] = [];
  private readonly waiting: WaitingCaller[] = [];
  private closed = false;
  private lines = 0;
  private abandonedLines = 0;
  private threadsLost = 0;
  private queuedLines = 0;

  constructor(options: WorkerPoolOptions) {
    this.options = {
      chunkLines: 128, queuedLines: 65_536, waitingCallers: 256, lineBudgetMs: 500, offencesUntilSuspended: 2,
      loadBudgetMs: 60_000, threadCpuMs, onOffence: () => undefined, ...options,
    };
    this.offences = new PatternOffences(this.options.offencesUntilSuspended);
    this.definitions = new DefinitionCache(options.store);
    this.slots = Array.from({ length: options.workers }, () => ({ thread: undefined, running: new Map() }));
  }

  async normalise(version: string, inputs: readonly NormaliserInput[]): Promise<readonly NormalisedLine[]> {
    if (inputs.length === 0) return [];
    await this.admit(inputs.length);
    try {
      if (this.closed) throw closedError();
      const parts = partsOf(inputs, this.options.chunkLines).map((part) => (
        new Promise<readonly NormalisedLine[]>((resolve, reject) => {
          this.chunks.push(new WorkerChunk(version, part, resolve, reject));
        })));
      this.dispatch();
      this.prepare();
      const found = await Promise.all(parts);
      return ([] as readonly NormalisedLine[]).concat(...found);
    } finally {
      this.release(inputs.length);
    }
  }

  statistics(): WorkerPoolStatistics {
    const { lines, abandonedLines, threadsLost, queuedLines } = this;
    return { lines, abandonedLines, threadsLost, queuedLines };
  }

  /** Every pattern that cost a thread, with how it is treated now. */
  patternOffences(): readonly PatternOffence[] {
    return this.offences.all();
  }

  /** Lines not begun are refused; what runs ends within its budget. Idempotent. */
  async close(): Promise<void> {
    this.closed = true;
    const error = closedError();
    for (const chunk of this.chunks.splice(0)) chunk.reject(error);
    for (const { refuse } of this.waiting.splice(0)) refuse(error);
    await Promise.all(this.slots.map(async (slot) => {
      await Promise.all(slot.running.values());
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
    for (let given = 0; given < CHUNKS_OF_A_THREAD; given += 1) {
      for (const slot of this.slots) {
        const [chunk] = this.chunks;
        if (chunk === undefined) return;
        // Nothing waits behind others until a set is compiled.
        const isFree = slot.running.size === 0 || readyNow(slot, chunk.version) !== undefined;
        if (slot.running.size > given || !isFree) continue;
        this.chunks.shift();
        slot.running.set(chunk, this.work(slot, chunk));
      }
    }
  }

  /** So many chunks as threads may ask for at once. */
  private prepare(): void {
    for (const chunk of this.chunks.slice(0, this.slots.length)) chunk.prepare();
  }

  private async work(slot: Slot, chunk: WorkerChunk): Promise<void> {
    let end: () => void;
    try {
      const found = await this.results(slot, chunk);
      this.lines += chunk.inputs.length;
      end = () => { chunk.finish(found); };
    } catch (error) {
      const isToGoOn = error instanceof WorkerBusyError && !this.closed;
      if (isToGoOn) this.chunks.unshift(chunk);
      end = () => { if (!isToGoOn) chunk.reject(error); };
    }
    slot.running.delete(chunk);
    // The thread is given its next lines before these are unpacked.
    this.dispatch();
    end();
    this.prepare();
  }

  /**
   * What the lines that are worth trying gave; undefined: there are none. Each thread that is lost makes the next one
   * more careful, so that it ends: with raw lines in the worst case.
   */
  private async results(slot: Slot, chunk: WorkerChunk): Promise<PackedResults | undefined> {
    while (chunk.isWorthTrying) {
      if (this.closed) throw closedError();
      const { thread, patterns } = readyNow(slot, chunk.version) ?? await this.ready(slot, chunk.version);
      const suspended = this.offences.suspended(chunk.version);
      try {
        const found = await thread.normalise(chunk.version, chunk.packedLeft, chunk.care(suspended));
        this.abandonedLines += chunk.abandonedLines;
        return found;
      } catch (error) {
        if (error instanceof WorkerLostError || error instanceof WorkerBusyError) this.forget(slot, thread, error);
        if (!(error instanceof WorkerLostError)) throw error;
        this.blame(chunk, error, patterns, suspended);
      }
    }
    this.abandonedLines += chunk.abandonedLines;
    return undefined;
  }

  private blame(
    chunk: WorkerChunk, lost: WorkerLostError, patterns: readonly Match[], suspended: readonly PatternTreatment[],
  ): void {
    const line = chunk.left[lost.line];
    const pattern = patterns[lost.pattern];
    if (line === undefined) chunk.blameNothing();
    else if (pattern === undefined) chunk.blameLine(line);
    else {
      const treated = chunk.blamePattern(line, lost.pattern, suspended);
      const offence = this.offences.add(chunk.version, lost.pattern, pattern, treated);
      this.options.onOffence(offence);
      this.options.log.warn('NormaliserPatternOffended', {
        definitions: offence.version, normalizer: offence.normalizer, pattern: offence.pattern,
        offences: offence.offences, suspended: offence.treatment !== treatment.ordinary,
      });
    }
  }

  /** A thread that has the set. One that dies before it could be asked is the fault of no line. */
  private async ready(slot: Slot, version: string): Promise<ReadyThread> {
    const set = await this.definitions.get(version);
    const { clock, loadBudgetMs, lineBudgetMs, threadCpuMs: cpuMs } = this.options;
    slot.thread ??= new WorkerThread({
      clock, loadBudgetMs, lineBudgetMs, setsKept: 4, heapMegabytes: 512, threadCpuMs: cpuMs,
    });
    const { thread } = slot;
    try {
      return { thread, patterns: await thread.load(set) };
    } catch (error) {
      if (error instanceof WorkerLostError) this.forget(slot, thread, error);
      throw error;
    }
  }

  /** Whoever of those that gave the thread lines notices first. */
  private forget(slot: Slot, thread: WorkerThread, error: Error): void {
    if (slot.thread !== thread) return;
    this.threadsLost += 1;
    this.options.log.warn('NormaliserThreadLost', { reason: messageOf(error) });
    slot.thread = undefined;
    // Its end is not waited for: nothing depends on it, and a replacement starts at once.
    thread.stop().catch((reason: unknown) => {
      this.options.log.warn('NormaliserThreadStopFailed', { reason: messageOf(reason) });
    });
  }
}

/** The slot's thread, if it has the set already: then nothing is waited for before it is given lines. */
function readyNow({ thread }: Slot, version: string): ReadyThread | undefined {
  const patterns = thread?.patternsOf(version);
  return thread === undefined || patterns === undefined ? undefined : { thread, patterns };
}

/** Parts of so many lines, fewer when they are long; each has one at least. */
function partsOf(inputs: readonly NormaliserInput[], lines: number): readonly (readonly NormaliserInput[])[] {
  const parts: (readonly NormaliserInput[])[] = [];
  let from = 0;
  let characters = 0;
  inputs.forEach(({ text }, index) => {
    if (index > from && (index - from >= lines || characters + text.length > CHUNK_CHARACTERS)) {
      parts.push(inputs.slice(from, index));
      from = index;
      characters = 0;
    }
    characters += text.length;
  });
  parts.push(inputs.slice(from));
  return parts;
}

function closedError(): UnavailableError {
  return new UnavailableError('the normaliser is closed');
}
