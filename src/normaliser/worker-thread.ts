import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Clock } from '../clock';
import { InputError, InvariantError, messageOf, UnavailableError } from '../errors';
import type { PackedResults } from './packed-results';
import type { DefinitionSet, Match } from './ports';
import { threadCpuMs } from './thread-cpu-time';
import { NONE, WorkerProgress } from './worker-progress';
import type { Care, PackedInputs, WorkerAnswer, WorkerData, WorkerRequest } from './worker-protocol';

/** The thread did not answer in time or died, so that it is gone; what it was asked may be the reason. */
export class WorkerLostError extends UnavailableError {
  override readonly code: string = 'worker-lost';

  /** Index of the line, and number of the pattern, that it worked on; NONE when it is unknown. */
  constructor(message: string, readonly line: number, readonly pattern: number, cause?: unknown) {
    super(message, { cause });
  }
}

/** The thread was lost over another request: nothing is known of this one. */
export class WorkerBusyError extends UnavailableError {
  override readonly code: string = 'worker-busy';
}

export interface WorkerThreadOptions {
  readonly clock: Clock;
  /** Time for the thread to start, and to compile a set. */
  readonly loadBudgetMs: number;
  /** Time that the thread may compute for one line; waiting for a processor does not count. Default 1,000 ms. */
  readonly lineBudgetMs?: number;
  /** Sets kept compiled; the one longest unused goes first. */
  readonly setsKept: number;
  /** Heap of the thread; a line that makes it grow beyond ends the thread, not the process. */
  readonly heapMegabytes: number;
  /** Milliseconds that a thread has computed, by its number; undefined: unknown. Default: what Linux tells. */
  readonly threadCpuMs?: (threadId: number) => number | undefined;
}

/** Where computing time is unknown, the wall clock decides, with allowance for a busy machine. */
const WALL_CLOCK_FACTOR = 20;
/** Without a sign of life for so long, whatever it computes, a thread is given up. */
const SILENCE_MS = 120_000;
/** Lines are numbered up to here, then from 0 again. */
const LAST_LINE = 2 ** 30;
/** How often the watch looks, in parts of the budget: a line may exceed it by one part. */
const LOOKS_PER_BUDGET = 5;

interface Pending {
  /** Numbers of its lines: from `firstLine` to before `endLine`. */
  readonly firstLine: number;
  readonly endLine: number;
  readonly resolve: (answer: WorkerAnswer) => void;
  readonly reject: (error: Error) => void;
}

/**
 * One worker thread. It may be asked again before it has answered, so that it never waits for the thread that asks;
 * it answers in order. After WorkerLostError or WorkerBusyError make another.
 */
export class WorkerThread {
  private readonly worker: Worker;
  private readonly progress = new WorkerProgress();
  /** Version → patterns by number, in the order of the sets' last use. */
  private readonly loaded = new Map<string, readonly Match[]>();
  /** In the order in which they were asked. */
  private readonly pending: Pending[] = [];
  private nextLine = 0;
  private lost: Error | undefined;

  private readonly options: Required<WorkerThreadOptions>;

  constructor(options: WorkerThreadOptions) {
    this.options = { lineBudgetMs: 1_000, threadCpuMs, ...options };
    this.worker = startWorker(options.heapMegabytes, { progress: this.progress.memory });
    this.worker.on('message', (answer: WorkerAnswer) => { this.pending.shift()?.resolve(answer); });
    this.worker.on('error', (error) => { this.fail(messageOf(error), error); });
    this.worker.on('exit', (code) => { this.fail(`ended with code ${code}`); });
  }

  /** The patterns of a set by number, which from now on was used last; undefined: the thread does not have it. */
  patternsOf(version: string): readonly Match[] | undefined {
    const known = this.loaded.get(version);
    if (known === undefined) return undefined;
    this.loaded.delete(version);
    this.loaded.set(version, known);
    return known;
  }

  /** Compiles the set if the thread has not; returns its patterns by number. InputError when the set is bad. */
  async load(set: DefinitionSet): Promise<readonly Match[]> {
    const known = this.patternsOf(set.version);
    if (known !== undefined) return known;
    const [oldest] = this.loaded.keys();
    if (oldest !== undefined && this.loaded.size >= this.options.setsKept) {
      this.loaded.delete(oldest);
      await this.ask({ kind: 'unload', version: oldest }, () => this.limitLoading());
    }
    const answer = await this.ask({ kind: 'load', set }, () => this.limitLoading());
    if (answer.kind !== 'loaded') throw new InvariantError(`a worker answered ${answer.kind}`);
    this.loaded.set(set.version, answer.patterns);
    return answer.patterns;
  }

  /**
   * Results in the order of the inputs. WorkerLostError, which names line and pattern, when the thread computes longer
   * than the budget for one line, or dies; WorkerBusyError when it did so over another request.
   */
  async normalise(version: string, inputs: PackedInputs, care: Care): Promise<PackedResults> {
    const { length } = inputs.lengths;
    const firstLine = this.nextLine + length > LAST_LINE ? 0 : this.nextLine;
    this.nextLine = firstLine + length;
    const answer = await this.ask({ kind: 'normalise', version, inputs, care, firstLine }, (pending) => (
      this.watchLines(pending)), { firstLine, endLine: this.nextLine });
    if (answer.kind !== 'normalised') throw new InvariantError(`a worker answered ${answer.kind}`);
    return answer.results;
  }

  /** Ends the thread at once, even in the middle of a regular expression. Idempotent. */
  async stop(): Promise<void> {
    this.fail('was stopped');
    await this.worker.terminate();
  }

  /** `limit` begins to limit the time that the request takes; what it returns ends that. */
  private async ask(
    request: WorkerRequest, limit: (pending: Pending) => () => void,
    lines: Pick<Pending, 'firstLine' | 'endLine'> = { firstLine: NONE, endLine: NONE },
  ): Promise<WorkerAnswer> {
    if (this.lost !== undefined) throw this.lost;
    let cancel: (() => void) | undefined;
    const answered = new Promise<WorkerAnswer>((resolve, reject) => {
      const pending = { ...lines, resolve, reject };
      this.pending.push(pending);
      this.worker.postMessage(request);
      cancel = limit(pending);
    });
    try {
      const answer = await answered;
      if (answer.kind !== 'failed') return answer;
      throw new InputError(answer.message, answer.remedy === undefined ? {} : { remedy: answer.remedy });
    } finally {
      cancel?.();
    }
  }

  /**
   * In two halves, so that a pause of the whole process, after which a timer is due although nothing could run, does
   * not count as the thread's time.
   */
  private limitLoading(): () => void {
    const { clock, loadBudgetMs } = this.options;
    let cancel = clock.timer(loadBudgetMs / 2, () => {
      cancel = clock.timer(loadBudgetMs / 2, () => { this.end(`exceeded ${loadBudgetMs} ms`); });
    });
    return () => { cancel(); };
  }

  /** Looks at the thread's place from time to time, and ends it when it has computed too long at one of the lines. */
  private watchLines(pending: Pending): () => void {
    const { clock, lineBudgetMs } = this.options;
    // What the first look sees: most requests are over before it, and to ask the kernel takes a while.
    let seen: Glance | undefined;
    const look = (): void => {
      const now = this.glance(pending);
      if (now.line === NONE && this.pending[0] !== pending) seen = undefined;
      else if (now.line !== seen?.line) seen = now;
      else if (this.isOverdue(seen, now)) {
        this.end(`computed more than ${lineBudgetMs} ms for one line`);
        return;
      }
      cancel = clock.timer(lineBudgetMs / LOOKS_PER_BUDGET, look);
    };
    let cancel = clock.timer(lineBudgetMs / LOOKS_PER_BUDGET, look);
    return () => { cancel(); };
  }

  private glance(pending: Pending): Glance {
    const { thread, line: current } = this.progress;
    const line = holds(pending, current) ? current : NONE;
    return { line, cpuMs: this.options.threadCpuMs(thread), wallMs: this.options.clock.monotonic() };
  }

  /** Packing and unpacking, when no line is worked on, have no budget of their own. */
  private isOverdue(seen: Glance, now: Glance): boolean {
    const { lineBudgetMs } = this.options;
    const wallMs = now.wallMs - seen.wallMs;
    if (wallMs >= SILENCE_MS) return true;
    if (now.line === NONE) return false;
    if (seen.cpuMs === undefined || now.cpuMs === undefined) return wallMs >= lineBudgetMs * WALL_CLOCK_FACTOR;
    return now.cpuMs - seen.cpuMs >= lineBudgetMs;
  }

  private end(reason: string): void {
    this.fail(reason);
    void this.worker.terminate();
  }

  private fail(reason: string, cause?: unknown): void {
    const { line, pattern } = this.progress;
    const message = `a normaliser thread ${reason}`;
    this.lost ??= new WorkerLostError(message, NONE, NONE, cause);
    const pending = this.pending.splice(0);
    // Between two requests, or before it tells of its first line, it is at the one that it must answer next.
    const current = pending.find((request) => holds(request, line)) ?? pending[0];
    for (const request of pending) {
      if (request !== current) request.reject(new WorkerBusyError(message, { cause }));
      else {
        const index = holds(request, line) ? line - request.firstLine : NONE;
        request.reject(index === NONE ? this.lost : new WorkerLostError(message, index, pattern, cause));
      }
    }
  }
}

function holds({ firstLine, endLine }: Pending, line: number): boolean {
  return line >= firstLine && line < endLine;
}

/** What the watch sees at one look. */
interface Glance {
  /** NONE: no line of the request. */
  readonly line: number;
  readonly cpuMs: number | undefined;
  readonly wallMs: number;
}

/** From dist/ the entry is JavaScript; from the sources (tests) the thread compiles it itself. */
function startWorker(heapMegabytes: number, workerData: WorkerData): Worker {
  const options = { workerData, resourceLimits: { maxOldGenerationSizeMb: heapMegabytes } };
  if (!__filename.endsWith('.ts')) return new Worker(join(__dirname, 'normaliser-worker.js'), options);
  const entry = JSON.stringify(join(__dirname, 'normaliser-worker.ts'));
  const bootstrap = `require('ts-node').register({ transpileOnly: true }); require(${entry});`;
  return new Worker(bootstrap, { ...options, eval: true });
}
