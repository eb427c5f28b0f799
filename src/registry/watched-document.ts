import { ConfigurationError, messageOf } from '../errors';
import type { Log } from '../log';
import type { Coordination, NodeContent, Watch } from './coordination';

export interface WatchedDocumentOptions<T> {
  readonly coordination: Coordination;
  readonly path: string;
  readonly log: Log;
  /** Checks what is stored; throws with a sentence on what is wrong. `current` is the last good one. */
  readonly parse: (stored: unknown, current: T | undefined) => T;
}

/**
 * A JSON document in one node, kept up to date. What can't be used is ignored with a loud message, while the last
 * good one stays in force; so does a node that disappears.
 */
export class WatchedDocument<T> {
  private good: T | undefined;
  private goodData: Buffer | undefined;
  private goodVersion = 0;
  private firstProblem: Error | undefined;
  private readonly callbacks = new Set<(value: T) => void>();
  private readonly watch: Watch;

  private constructor(private readonly options: WatchedDocumentOptions<T>) {
    this.watch = options.coordination.watchContent(options.path, (content) => { this.onContent(content); });
  }

  /** Waits until the document is read. ConfigurationError when there is none, or none that can be used. */
  static async open<T>(options: WatchedDocumentOptions<T>): Promise<WatchedDocument<T>> {
    const document = new WatchedDocument(options);
    await document.watch.ready;
    if (document.good !== undefined) return document;
    document.close();
    throw document.firstProblem ?? new ConfigurationError(`${options.path} is empty`);
  }

  get current(): T {
    if (this.good === undefined) throw new ConfigurationError(`${this.options.path} was not read yet`);
    return this.good;
  }

  get version(): number {
    return this.goodVersion;
  }

  onChange(callback: (value: T) => void): () => void {
    this.callbacks.add(callback);
    return () => this.callbacks.delete(callback);
  }

  close(): void {
    this.watch.close();
    this.callbacks.clear();
  }

  private onContent(content: NodeContent | undefined): void {
    const { path, log } = this.options;
    if (content === undefined) {
      this.refuse(new ConfigurationError(`${path} does not exist: the cluster is not initialised`, {
        remedy: 'run `resilog init` once, with the administrator\'s credentials',
      }));
      return;
    }
    // Read again after a reconnect, and the same.
    if (this.goodData?.equals(content.data) && this.goodVersion === content.stat.version) return;
    try {
      this.good = this.options.parse(JSON.parse(content.data.toString('utf8')), this.good);
      this.goodData = content.data;
      this.goodVersion = content.stat.version;
    } catch (error) {
      this.refuse(new ConfigurationError(`${path} can't be used: ${messageOf(error)}`, { cause: error }));
      return;
    }
    log.info('RegistryDocumentRead', { path, version: this.goodVersion });
    for (const callback of [...this.callbacks]) callback(this.good);
  }

  private refuse(problem: Error): void {
    this.firstProblem = problem;
    const consequence = this.good === undefined ? 'nothing is in force' : `version ${this.goodVersion} stays in force`;
    this.options.log.error('RegistryDocumentIgnored', { path: this.options.path, problem: problem.message, consequence });
  }
}
