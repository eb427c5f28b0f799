import type { Clock } from '../clock';
import { PermissionError } from '../errors';
import type { Log } from '../log';
import type { NodeContent, Watch } from './coordination';
import type { OperationQueue } from './operation-queue';
import type { SessionLink } from './session-link';

/** Pause before a read that failed while connected is tried again. */
const RETRY_MS = 500;

type Read<T> = (link: SessionLink, path: string, onEvent: () => void) => Promise<T | undefined>;

const readContent: Read<NodeContent> = (link, path, onEvent) => link.get(path, onEvent);
const readChildren: Read<readonly string[]> = (link, path, onEvent) => link.children(path, onEvent);

/** All watches of one coordination. A server's watch fires once: each event leads to a new read with a new watch. */
export class WatchRegistry {
  private readonly active = new Set<ActiveWatch<unknown>>();

  constructor(private readonly queue: OperationQueue, private readonly clock: Clock, private readonly log: Log) {}

  content(path: string, handler: (content: NodeContent | undefined) => void): Watch {
    return this.add(path, handler, readContent, true);
  }

  children(path: string, handler: (names: readonly string[] | undefined) => void): Watch {
    return this.add(path, handler, readChildren, true);
  }

  gone(path: string, handler: () => void): Watch {
    const watch = this.add(path, (content) => {
      if (content !== undefined) return;
      watch.close();
      handler();
    }, readContent, false);
    return watch;
  }

  /** After a connection was made: nobody knows what changed meanwhile, so everything is read. */
  readAll(): void {
    for (const watch of this.active) watch.read();
  }

  close(error: Error): void {
    for (const watch of [...this.active]) watch.end(error);
  }

  private add<T>(
    path: string, handler: (value: T | undefined) => void, read: Read<T>, awaitsCreation: boolean,
  ): Watch {
    const watch = new ActiveWatch<T>(path, handler, read, awaitsCreation, this.queue, this.clock, this.log, () => {
      this.active.delete(watch as ActiveWatch<unknown>);
    });
    this.active.add(watch as ActiveWatch<unknown>);
    watch.read();
    return watch;
  }
}

class ActiveWatch<T> implements Watch {
  readonly ready: Promise<void>;
  private announce!: () => void;
  private refuse!: (error: Error) => void;
  private reading = false;
  private dirty = false;
  private closed = false;
  /** A read has succeeded. */
  private known = false;
  /** The last read was not allowed. */
  private refused = false;
  /** One function for all reads, so that the link registers it once per node. */
  private readonly onEvent = (): void => { this.read(); };

  constructor(
    private readonly path: string,
    private readonly handler: (value: T | undefined) => void,
    private readonly readOnce: Read<T>,
    private readonly awaitsCreation: boolean,
    private readonly queue: OperationQueue,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly forget: () => void,
  ) {
    this.ready = new Promise((resolve, reject) => {
      this.announce = resolve;
      this.refuse = reject;
    });
    // Whoever does not wait for the first call must not crash the process when the session closes before it.
    this.ready.catch(() => undefined);
  }

  /** Reads and tells the handler; a change during a read leads to one more. */
  read(): void {
    this.dirty = true;
    if (this.reading || this.closed) return;
    this.reading = true;
    void this.readUntilClean();
  }

  close(): void {
    this.end(new Error('the watch was closed'));
  }

  end(error: Error): void {
    if (this.closed) return;
    this.closed = true;
    this.refuse(error);
    this.forget();
  }

  private async readUntilClean(): Promise<void> {
    while (this.dirty && !this.closed) {
      try {
        const value = await this.queue.submit('read', `watch ${this.path}`, (link) => this.readPresent(link), true);
        if (!this.isClosed()) this.tell(value);
      } catch (error) {
        if (error instanceof PermissionError) this.onRefusal(error);
        this.dirty = true;
        if (!this.isClosed()) await this.clock.sleep(RETRY_MS);
      }
    }
    // In the same step as the last look at `dirty`: an event after it starts a new round.
    this.reading = false;
  }

  /** Who may not read from the first is told so; to whom it happens later goes on asking, for rights may come back. */
  private onRefusal(error: PermissionError): void {
    if (!this.known) this.end(error);
    else if (!this.refused) this.log.warn('WatchRefused', { path: this.path, error });
    this.refused = true;
  }

  /** A missing node can only be watched for its creation, by `exists`; it may appear between the two calls. */
  private async readPresent(link: SessionLink): Promise<T | undefined> {
    // Sent only now: what happened while it waited is in the answer.
    this.dirty = false;
    for (;;) {
      const value = await this.readOnce(link, this.path, this.onEvent);
      if (value !== undefined || this.closed || !this.awaitsCreation) return value;
      if ((await link.exists(this.path, this.onEvent)) === undefined) return undefined;
    }
  }

  private isClosed(): boolean {
    return this.closed;
  }

  private tell(value: T | undefined): void {
    this.known = true;
    this.refused = false;
    try {
      this.handler(value);
    } catch (error) {
      this.log.error('WatchHandlerFailed', { path: this.path, error });
    }
    this.announce();
  }
}
