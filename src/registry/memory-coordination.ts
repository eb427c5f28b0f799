import type { Clock } from '../clock';
import { silentLog, type Log } from '../log';
import type { MultiOperation, NodeContent, NodeKind, NodeStat } from './coordination';
import { MemoryTree, type TreeEvent } from './memory-tree';
import { SessionCoordination } from './session-coordination';
import { LinkLostError, type LinkObserver, type SessionLink } from './session-link';

export interface MemoryServerOptions {
  readonly clock: Clock;
  /** A session whose connection is lost longer than this expires; default: only by `expireSession`. */
  readonly sessionTimeoutMs?: number;
}

export interface MemoryConnectOptions {
  /** Default: the server's. */
  readonly clock?: Clock;
  readonly log?: Log;
  readonly deadlineMs?: number;
  /** Starts without a connection, as when ZooKeeper is down. */
  readonly disconnected?: boolean;
  /**
   * Called before an operation takes effect and, with `done` true, between its effect and its answer. It may wait
   * (a slow network), lose the connection (after the effect: an unknown outcome) or expire the session.
   */
  readonly onOperation?: (what: string, path: string, done: boolean) => void | Promise<void>;
}

interface ServerSession {
  readonly id: string;
  readonly watches: Map<string, Set<() => void>>;
  ended: boolean;
}

/**
 * A ZooKeeper of one process, without access control: one tree, sessions, watches that fire once. Deterministic: it
 * has no timers but those of the given clock, and delivers by microtasks in the order of the calls.
 */
export class MemoryCoordinationServer {
  readonly tree: MemoryTree;
  private readonly sessions = new Set<ServerSession>();
  private nextSession = 1;

  constructor(readonly options: MemoryServerOptions) {
    this.tree = new MemoryTree(options.clock, (path, event) => { this.fire(path, event); });
  }

  connect(options: MemoryConnectOptions = {}): MemoryCoordination {
    return new MemoryCoordination(this, options);
  }

  openSession(): ServerSession {
    const id = (0x100000000000000n + BigInt(this.nextSession)).toString(16).padStart(16, '0');
    this.nextSession += 1;
    const session = { id, watches: new Map<string, Set<() => void>>(), ended: false };
    this.sessions.add(session);
    return session;
  }

  endSession(session: ServerSession): void {
    if (session.ended) return;
    session.ended = true;
    session.watches.clear();
    this.sessions.delete(session);
    this.tree.removeEphemerals(session.id);
  }

  private fire(path: string, event: TreeEvent): void {
    for (const session of this.sessions) {
      const key = `${event}:${path}`;
      const handlers = session.watches.get(key);
      if (handlers === undefined) continue;
      session.watches.delete(key);
      for (const handler of handlers) queueMicrotask(handler);
    }
  }
}

/** One process's connection to a MemoryCoordinationServer, with handles to break it. */
export class MemoryCoordination extends SessionCoordination {
  private readonly links: { latest: MemoryLink };

  constructor(server: MemoryCoordinationServer, options: MemoryConnectOptions) {
    const clock = options.clock ?? server.options.clock;
    const network = { reachable: options.disconnected !== true };
    const links: { latest?: MemoryLink } = {};
    super(
      (observer) => {
        links.latest = new MemoryLink(server, clock, options, network, observer);
        return links.latest;
      },
      { ...options, clock, log: options.log ?? silentLog },
    );
    this.links = links as { latest: MemoryLink };
  }

  /** The network breaks: operations in flight are lost, later ones wait. The session lives on at the server. */
  loseConnection(): void {
    this.links.latest.loseConnection();
  }

  /** The network is mended; connects in a microtask, with a new session if the former one expired meanwhile. */
  reconnect(): void {
    this.links.latest.reconnect();
  }

  /** The server ends the session: ephemerals go now; the client learns of it once it is connected. */
  expireSession(): void {
    this.links.latest.expireSession();
  }

  /** The server ends the session of a client that sleeps: it learns of it by its next operation, or `expireSession`. */
  expireUnnoticed(): void {
    this.links.latest.expireUnnoticed();
  }
}

class MemoryLink implements SessionLink {
  heardAtMs = -Infinity;
  private session: ServerSession | undefined;
  private connected = false;
  private closed = false;
  /** Counts connections: an operation whose connection broke is lost, even when there is a new one. */
  private connection = 0;
  private cancelExpiry: () => void = () => undefined;

  constructor(
    private readonly server: MemoryCoordinationServer,
    private readonly clock: Clock,
    private readonly options: MemoryConnectOptions,
    private readonly network: { reachable: boolean },
    private readonly observer: LinkObserver,
  ) {
    if (network.reachable) queueMicrotask(() => { this.establish(); });
  }

  get sessionId(): string {
    return this.session?.id ?? '';
  }

  accepts(): boolean {
    return this.connected;
  }

  get(path: string, onEvent?: () => void): Promise<NodeContent | undefined> {
    return this.run('get', path, (session) => {
      const content = this.server.tree.get(path);
      if (content !== undefined) watch(session, 'content', path, onEvent);
      return content;
    });
  }

  exists(path: string, onEvent?: () => void): Promise<NodeStat | undefined> {
    return this.run('exists', path, (session) => {
      const content = this.server.tree.get(path);
      watch(session, 'content', path, onEvent);
      return content?.stat;
    });
  }

  children(path: string, onEvent?: () => void): Promise<readonly string[] | undefined> {
    return this.run('children', path, (session) => {
      const names = this.server.tree.children(path);
      if (names !== undefined) watch(session, 'children', path, onEvent);
      return names;
    });
  }

  create(path: string, data: Buffer, kind: NodeKind): Promise<string> {
    return this.run('create', path, (session) => this.server.tree.create(path, data, kind, session.id));
  }

  set(path: string, data: Buffer, version: number | undefined): Promise<NodeStat> {
    return this.run('set', path, () => this.server.tree.set(path, data, version));
  }

  remove(path: string): Promise<void> {
    return this.run('remove', path, () => { this.server.tree.remove(path); });
  }

  multi(operations: readonly MultiOperation[]): Promise<readonly string[]> {
    const path = operations[0]?.path ?? '';
    return this.run('multi', path, (session) => this.server.tree.multi(operations, session.id));
  }

  async close(): Promise<void> {
    this.closed = true;
    if (this.connected && this.session !== undefined) this.server.endSession(this.session);
    this.disconnect();
  }

  loseConnection(): void {
    this.network.reachable = false;
    if (!this.connected) return;
    this.disconnect();
    const { session } = this;
    const timeoutMs = this.server.options.sessionTimeoutMs;
    if (session !== undefined && timeoutMs !== undefined) {
      this.cancelExpiry = this.server.options.clock.timer(timeoutMs, () => { this.server.endSession(session); });
    }
    this.observer.suspended();
  }

  reconnect(): void {
    this.network.reachable = true;
    queueMicrotask(() => { this.establish(); });
  }

  expireSession(): void {
    if (this.session === undefined) return;
    this.server.endSession(this.session);
    if (!this.connected) return;
    this.disconnect();
    this.observer.suspended();
    queueMicrotask(() => { this.establish(); });
  }

  expireUnnoticed(): void {
    if (this.session !== undefined) this.server.endSession(this.session);
  }

  private establish(): void {
    if (this.connected || this.closed || !this.network.reachable) return;
    this.cancelExpiry();
    this.heardAtMs = this.clock.monotonic();
    if (this.session?.ended) {
      this.closed = true;
      this.observer.expired();
      return;
    }
    this.session ??= this.server.openSession();
    this.connected = true;
    this.connection += 1;
    this.observer.connected();
  }

  private disconnect(): void {
    this.cancelExpiry();
    this.heardAtMs = this.clock.monotonic();
    this.connected = false;
    this.connection += 1;
    this.session?.watches.clear();
  }

  private async run<T>(what: string, path: string, effect: (session: ServerSession) => T): Promise<T> {
    const { connection, session } = this;
    const assertConnected = (): void => {
      if (connection !== this.connection || !this.connected) throw new LinkLostError('connection lost');
    };
    await this.options.onOperation?.(what, path, false);
    await Promise.resolve();
    assertConnected();
    if (session === undefined) throw new LinkLostError('no session');
    if (session.ended) {
      this.expireSession();
      throw new LinkLostError('the session has ended');
    }
    const result = effect(session);
    await this.options.onOperation?.(what, path, true);
    await Promise.resolve();
    assertConnected();
    return result;
  }
}

function watch(session: ServerSession, event: TreeEvent, path: string, handler: (() => void) | undefined): void {
  if (handler === undefined) return;
  const key = `${event}:${path}`;
  const handlers = session.watches.get(key) ?? new Set();
  handlers.add(handler);
  session.watches.set(key, handlers);
}
