import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Clock } from '../clock';
import { InputError, InvariantError, messageOf, UnavailableError } from '../errors';
import type { DefinitionSet, Normalised, NormaliserInput } from './ports';
import { packInputs, unpackResults, type WorkerAnswer, type WorkerRequest } from './worker-protocol';

/** The thread did not answer in time or died, so that it is gone; what it was asked may be the reason. */
export class WorkerLostError extends UnavailableError {
  override readonly code: string = 'worker-lost';
}

export interface WorkerThreadOptions {
  readonly clock: Clock;
  /** Time for the thread to start, and to compile a set. */
  readonly loadBudgetMs: number;
  /** Sets kept compiled; the one longest unused goes first. */
  readonly setsKept: number;
  /** Heap of the thread; a line that makes it grow beyond ends the thread, not the process. */
  readonly heapMegabytes: number;
}

interface Pending {
  readonly resolve: (answer: WorkerAnswer) => void;
  readonly reject: (error: Error) => void;
}

/** One worker thread, asked one thing at a time. After WorkerLostError make another. */
export class WorkerThread {
  private readonly worker: Worker;
  /** In the order of their last use. */
  private readonly loaded = new Set<string>();
  private pending: Pending | undefined;
  private lost: Error | undefined;

  constructor(private readonly options: WorkerThreadOptions) {
    this.worker = startWorker(options.heapMegabytes);
    this.worker.on('message', (answer: WorkerAnswer) => { this.take()?.resolve(answer); });
    this.worker.on('error', (error) => { this.fail(messageOf(error), error); });
    this.worker.on('exit', (code) => { this.fail(`ended with code ${code}`); });
  }

  /** Compiles the set if the thread has not. InputError when the set is bad. */
  async load(set: DefinitionSet): Promise<void> {
    if (this.loaded.delete(set.version)) {
      this.loaded.add(set.version);
      return;
    }
    const [oldest] = this.loaded;
    if (oldest !== undefined && this.loaded.size >= this.options.setsKept) {
      this.loaded.delete(oldest);
      await this.ask({ kind: 'unload', version: oldest }, this.options.loadBudgetMs);
    }
    await this.ask({ kind: 'load', set }, this.options.loadBudgetMs);
    this.loaded.add(set.version);
  }

  /** Results in the order of the inputs. WorkerLostError when the thread exceeds `budgetMs` or dies. */
  async normalise(
    version: string, inputs: readonly NormaliserInput[], budgetMs: number,
  ): Promise<readonly Normalised[]> {
    const answer = await this.ask({ kind: 'normalise', version, inputs: packInputs(inputs) }, budgetMs);
    if (answer.kind !== 'normalised') throw new InvariantError(`a worker answered ${answer.kind}`);
    return unpackResults(answer.results);
  }

  /** Ends the thread at once, even in the middle of a regular expression. Idempotent. */
  async stop(): Promise<void> {
    this.fail('was stopped');
    await this.worker.terminate();
  }

  private async ask(request: WorkerRequest, budgetMs: number): Promise<WorkerAnswer> {
    if (this.lost !== undefined) throw this.lost;
    if (this.pending !== undefined) throw new InvariantError('a worker is asked one thing at a time');
    const answered = new Promise<WorkerAnswer>((resolve, reject) => { this.pending = { resolve, reject }; });
    this.worker.postMessage(request);
    const cancel = this.watch(budgetMs);
    try {
      const answer = await answered;
      if (answer.kind !== 'failed') return answer;
      throw new InputError(answer.message, answer.remedy === undefined ? {} : { remedy: answer.remedy });
    } finally {
      cancel();
    }
  }

  /**
   * Stops the thread when the budget is used up. It runs in two halves, so that a pause of the whole process, after
   * which a timer is due although nothing could run, does not count as the thread's time.
   */
  private watch(budgetMs: number): () => void {
    let cancel = this.options.clock.timer(budgetMs / 2, () => {
      cancel = this.options.clock.timer(budgetMs / 2, () => {
        this.fail(`exceeded ${budgetMs} ms`);
        void this.worker.terminate();
      });
    });
    return () => { cancel(); };
  }

  private take(): Pending | undefined {
    const { pending } = this;
    this.pending = undefined;
    return pending;
  }

  private fail(reason: string, cause?: unknown): void {
    this.lost ??= new WorkerLostError(`a normaliser thread ${reason}`, { cause });
    this.take()?.reject(this.lost);
  }
}

/** From dist/ the entry is JavaScript; from the sources (tests) the thread compiles it itself. */
function startWorker(heapMegabytes: number): Worker {
  const resourceLimits = { maxOldGenerationSizeMb: heapMegabytes };
  if (!__filename.endsWith('.ts')) return new Worker(join(__dirname, 'normaliser-worker.js'), { resourceLimits });
  const entry = JSON.stringify(join(__dirname, 'normaliser-worker.ts'));
  const bootstrap = `require('ts-node').register({ transpileOnly: true }); require(${entry});`;
  return new Worker(bootstrap, { eval: true, resourceLimits });
}
