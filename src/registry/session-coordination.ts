import type { Clock } from '../clock';
import { ConflictError, LimitError, NotFoundError, UnavailableError } from '../errors';
import { limits } from '../limits';
import type { Log } from '../log';
import {
  NodeKind, type Coordination, type HeldNode, type MultiOperation, type NodeContent, type NodeStat, type SessionState,
  type Watch,
} from './coordination';
import { HeldNodes } from './held-nodes';
import { OperationQueue, type Effect } from './operation-queue';
import type { LinkObserver, OpenLink, SessionLink } from './session-link';
import { WatchRegistry } from './watch-registry';

export interface SessionCoordinationOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Time within which every operation settles; default 5,000. */
  readonly deadlineMs?: number;
  /** Default 500: beyond about 1,000 the client's cost per operation grows with their number. */
  readonly maxInFlight?: number;
  /** Default 20,000. */
  readonly maxWaiting?: number;
}

/** Rounds of listing and removing before a tree that others fill all the time is given up. */
const MAX_REMOVAL_ROUNDS = 10;

/**
 * Coordination over one session after the other. Guarantees what the port says with any link; after a reconnect,
 * held nodes and watches are restored before operations that waited. On session loss: `state` is `expired`, then
 * `connected` with another session id; locks and fences of the former session are gone for good.
 */
export class SessionCoordination implements Coordination {
  private link: SessionLink;
  private current: SessionState = 'suspended';
  private readonly handlers = new Set<(state: SessionState) => void>();
  private readonly queue: OperationQueue;
  private readonly held: HeldNodes;
  private readonly watches: WatchRegistry;
  /** When a former link was heard last; at first, when this began. */
  private heardBeforeMs: number;
  private closing: Promise<void> | undefined;

  constructor(private readonly openLink: OpenLink, private readonly options: SessionCoordinationOptions) {
    const { clock, log } = options;
    this.heardBeforeMs = clock.monotonic();
    this.queue = new OperationQueue({
      clock,
      deadlineMs: options.deadlineMs ?? 5_000,
      maxInFlight: options.maxInFlight ?? 500,
      maxWaiting: options.maxWaiting ?? 20_000,
    });
    this.held = new HeldNodes(this.queue, () => this.link.sessionId, clock, log);
    this.watches = new WatchRegistry(this.queue, clock, log);
    this.link = openLink(this.observer());
  }

  get state(): SessionState {
    return this.current;
  }

  get sessionId(): string {
    return this.link.sessionId;
  }

  silentMs(): number {
    if (this.current === 'connected') return 0;
    return this.options.clock.monotonic() - Math.max(this.heardBeforeMs, this.link.heardAtMs);
  }

  onState(handler: (state: SessionState) => void): () => void {
    this.handlers.add(handler);
    return () => this.handlers.delete(handler);
  }

  get(path: string): Promise<NodeContent | undefined> {
    return this.run('read', `get ${path}`, (link) => link.get(path));
  }

  exists(path: string): Promise<NodeStat | undefined> {
    return this.run('read', `exists ${path}`, (link) => link.exists(path));
  }

  async children(path: string): Promise<readonly string[]> {
    const names = await this.run('read', `children ${path}`, (link) => link.children(path));
    if (names === undefined) throw new NotFoundError(`${path} does not exist`);
    return names;
  }

  async create(path: string, data: Buffer, kind: NodeKind = NodeKind.persistent): Promise<string> {
    assertSize(path, data.length);
    return this.run('write', `create ${path}`, (link) => link.create(path, data, kind));
  }

  async ensure(path: string): Promise<void> {
    const steps = path.split('/').filter((step) => step !== '');
    for (let depth = 0; depth <= steps.length; depth += 1) {
      const place = `/${steps.slice(0, depth).join('/')}`;
      await this.run('write', `ensure ${place}`, (link) => ensureNode(link, place));
    }
  }

  async set(path: string, data: Buffer, version?: number): Promise<NodeStat> {
    assertSize(path, data.length);
    return this.run('write', `set ${path}`, (link) => link.set(path, data, version));
  }

  remove(path: string): Promise<void> {
    return this.run('write', `remove ${path}`, (link) => removeNode(link, path));
  }

  async removeTree(path: string): Promise<void> {
    for (let round = 1; ; round += 1) {
      try {
        await this.removeBelow(path);
        return;
      } catch (error) {
        // Somebody made a node meanwhile.
        if (!(error instanceof ConflictError) || round >= MAX_REMOVAL_ROUNDS) throw error;
      }
    }
  }

  async multi(operations: readonly MultiOperation[]): Promise<readonly string[]> {
    if (operations.length === 0) return [];
    const bytes = operations.reduce((sum, part) => sum + part.path.length + ('data' in part ? part.data.length : 0), 0);
    assertSize('a multi', bytes);
    return this.run('write', `multi of ${operations.length}`, (link) => link.multi(operations));
  }

  watchContent(path: string, handler: (content: NodeContent | undefined) => void): Watch {
    return this.watches.content(path, handler);
  }

  whenGone(path: string, handler: () => void): Watch {
    return this.watches.gone(path, handler);
  }

  watchChildren(path: string, handler: (names: readonly string[] | undefined) => void): Watch {
    return this.watches.children(path, handler);
  }

  async hold(path: string, data: Buffer): Promise<HeldNode> {
    assertSize(path, data.length);
    return this.held.hold(path, data);
  }

  close(): Promise<void> {
    this.closing ??= this.closeNow();
    return this.closing;
  }

  private async closeNow(): Promise<void> {
    const error = new UnavailableError('the connection to ZooKeeper was closed');
    this.watches.close(error);
    // Removed one by one only while there is a connection; the end of the session removes them too.
    if (this.current === 'connected') await this.held.close();
    this.queue.close(error);
    await this.held.close();
    this.enter('closed');
    await this.link.close();
  }

  private run<T>(effect: Effect, what: string, call: (link: SessionLink) => Promise<T>): Promise<T> {
    return this.queue.submit(effect, what, call);
  }

  private observer(): LinkObserver {
    return {
      connected: () => {
        this.enter('connected');
        this.held.restore();
        this.watches.readAll();
        this.queue.resume(this.link);
      },
      suspended: () => {
        this.queue.suspend();
        this.enter('suspended');
      },
      expired: () => {
        this.queue.suspend();
        this.enter('expired');
        this.heardBeforeMs = Math.max(this.heardBeforeMs, this.link.heardAtMs);
        if (this.current === 'expired') this.link = this.openLink(this.observer());
      },
    };
  }

  private enter(state: SessionState): void {
    if (this.current === 'closed' || this.current === state) return;
    this.current = state;
    this.options.log.info('RegistrySessionChanged', { state, session: this.link.sessionId });
    for (const handler of [...this.handlers]) {
      try {
        handler(state);
      } catch (error) {
        this.options.log.error('StateHandlerFailed', { state, error });
      }
    }
  }

  private async removeBelow(path: string): Promise<void> {
    const names = await this.run('read', `children ${path}`, (link) => link.children(path));
    if (names === undefined) return;
    const prefix = path === '/' ? '' : path;
    for (const name of names) await this.removeBelow(`${prefix}/${name}`);
    await this.remove(path);
  }
}

async function ensureNode(link: SessionLink, path: string): Promise<void> {
  if ((await link.exists(path)) !== undefined) return;
  try {
    await link.create(path, Buffer.alloc(0), NodeKind.persistent);
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
  }
}

async function removeNode(link: SessionLink, path: string): Promise<void> {
  try {
    await link.remove(path);
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
  }
}

function assertSize(path: string, bytes: number): void {
  if (bytes > limits.znodeBytes) {
    throw new LimitError(`${path}: ${bytes} bytes are more than the ${limits.znodeBytes} that ZooKeeper takes`);
  }
}
