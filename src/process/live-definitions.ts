import type { Volume } from '../archive/volume';
import type { Clock } from '../clock';
import { InputError, messageOf, NotFoundError, ResilogError } from '../errors';
import type { Log } from '../log';
import { definitionSetOf } from '../normaliser/definition-set';
import { memoryDefinitionStore } from '../normaliser/memory-definition-store';
import type { DefinitionFile, DefinitionSet } from '../normaliser/ports';
import { withUserFiles } from '../normaliser/user-definitions';
import { WorkerPool } from '../normaliser/worker-pool';
import type { Coordination, NodeContent, Watch } from '../registry/coordination';
import { loadUserFiles, parsePointer, watchUserDefinitions } from '../registry/user-definitions';
import { keepDefinitions } from './definitions';

export interface LiveDefinitionsOptions {
  readonly coordination: Coordination;
  readonly volumes: readonly Pick<Volume, 'definitions'>[];
  /** What the program brings. */
  readonly program: DefinitionSet;
  readonly clock: Clock;
  readonly log: Log;
  /** Sees whether the users' files can be used beside the program's: InputError otherwise. Default: compiles them. */
  readonly check?: (user: readonly DefinitionFile[]) => Promise<void>;
}

const RETRY_MS = 500;

/**
 * The set that files closed from now on are normalised with: the program's definitions and the users', whose current
 * files the registry names. A change is kept in every volume before it is in force; one that this program can't use
 * is refused loudly, and the former set stays. What a file names is fixed when it closes, whatever comes later.
 */
export class LiveDefinitions {
  private set: DefinitionSet;
  private content: NodeContent | undefined;
  private changes = 0;
  private applying: Promise<void> | undefined;
  private readonly stop = new AbortController();
  private readonly watch: Watch;

  private constructor(private readonly options: LiveDefinitionsOptions) {
    this.set = options.program;
    this.watch = watchUserDefinitions(options.coordination, (content) => {
      this.content = content;
      this.changes += 1;
      this.follow();
    });
  }

  /**
   * With the set that the registry names. Waits for archive and registry as long as they can't be reached, or until the
   * signal aborts. The program's set has to be in every volume already.
   */
  static async open(options: LiveDefinitionsOptions, signal: AbortSignal): Promise<LiveDefinitions> {
    const live = new LiveDefinitions(options);
    const abort = (): void => { live.stop.abort(); };
    signal.addEventListener('abort', abort);
    if (signal.aborted) abort();
    try {
      await live.watch.ready;
      await live.applying;
      return live;
    } catch (error) {
      await live.close();
      throw error;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  get current(): DefinitionSet {
    return this.set;
  }

  async close(): Promise<void> {
    this.stop.abort();
    this.watch.close();
    await this.applying;
  }

  private follow(): void {
    this.applying ??= this.applyAll().finally(() => { this.applying = undefined; });
  }

  /** Applies the latest content, and again when it changed meanwhile or a component failed. Never rejects. */
  private async applyAll(): Promise<void> {
    for (let applied = -1; applied !== this.changes && !this.stop.signal.aborted;) {
      const { content, changes } = this;
      if (await this.isApplied(content)) applied = changes;
      else await this.options.clock.sleep(RETRY_MS, this.stop.signal);
    }
  }

  /** False: a component failed, and it is to be tried again. */
  private async isApplied(content: NodeContent | undefined): Promise<boolean> {
    const { log } = this.options;
    try {
      await this.apply(content);
      return true;
    } catch (error) {
      // A set that is named but not found yet is on its way to the member that was asked.
      if (error instanceof ResilogError && (error.retryable || error instanceof NotFoundError)) {
        log.warn('DefinitionsDelayed', { reason: messageOf(error) });
        return false;
      }
      log.error('DefinitionsRefused', { reason: messageOf(error), consequence: `${this.set.version} stays in force` });
      return true;
    }
  }

  private async apply(content: NodeContent | undefined): Promise<void> {
    const { program, volumes, log } = this.options;
    // Taking away the last definition leaves the node: one that is gone was not taken away by us.
    if (content === undefined && this.set !== program) throw new InputError('the registry lost the users\' definitions');
    const user = await loadUserFiles(volumes.map(({ definitions }) => definitions), parsePointer(content).set);
    const set = withUserFiles(program, user);
    if (set.version === this.set.version) return;
    await (this.options.check ?? ((files) => this.compile(files)))(user);
    await keepDefinitions(set, volumes);
    this.set = set;
    log.info('DefinitionsInForce', { version: set.version, userFiles: user.length });
  }

  /**
   * Only the users' files, with the common files that they may use: those of the program were compiled at its start. In
   * a thread, since compiling may take long enough to delay an answer.
   */
  private async compile(user: readonly DefinitionFile[]): Promise<void> {
    const { program, clock, log } = this.options;
    const common = program.files.filter(({ name }) => /(?:^|\/)common_[^/]*$/.test(name));
    const set = definitionSetOf([...common, ...user]);
    const pool = new WorkerPool({ store: memoryDefinitionStore([set]), clock, log, workers: 1 });
    try {
      await pool.normalise(set.version, [{ text: '', receivedMs: 0, timeZone: 'UTC' }]);
    } catch (error) {
      if (!(error instanceof ResilogError) || !error.retryable) throw error;
      throw new InputError(`the users' definitions can't be compiled: ${messageOf(error)}`, { cause: error });
    } finally {
      await pool.close();
    }
  }
}
