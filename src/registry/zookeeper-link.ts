import { createClient, type Callback, type Client, type ConnectionManager, type Stat } from 'node-zookeeper-client';
import type { Clock } from '../clock';
import { messageOf, NotFoundError } from '../errors';
import type { Log } from '../log';
import type { AccessPlan } from './access';
import { NodeKind, type MultiOperation, type NodeContent, type NodeStat } from './coordination';
import { LinkLostError, type LinkObserver, type SessionLink } from './session-link';
import type { ServerAddress } from './zookeeper-addresses';
import { aclOf, createModes, errorOf, multiErrorOf, statOf } from './zookeeper-translation';
import { ZooKeeperWatchdog } from './zookeeper-watchdog';

export interface ZooKeeperLinkOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** In the order in which they are tried; asked for whenever there is no connection. */
  readonly servers: () => readonly ServerAddress[];
  /** '' or `/a/b`. */
  readonly chroot: string;
  readonly sessionTimeoutMs: number;
  readonly abandonAfterMs: number;
  /** `user:password` of the digest scheme. */
  readonly credentials: string | undefined;
  readonly access: AccessPlan | undefined;
}

/** Connection states of the client's connection manager. */
const ManagerState = { disconnected: 0, connecting: 1, connected: 2, expired: -3, authenticationFailed: -4 } as const;

/** The client's request numbers are 32 bits wide and not wrapped: they start again long before. */
const XID_LIMIT = 2 ** 30;
const CLOSE_LIMIT_MS = 2_000;

/**
 * One session over node-zookeeper-client, whose defects end here: its servers are set past its parser (IPv6), its
 * leftovers of a broken connection are dropped (queued packets, half a packet, watches), what it throws on unknown
 * answers breaks only the connection, and a client is never used again after its session expired.
 */
export class ZooKeeperLink implements SessionLink {
  heardAtMs = -Infinity;
  private readonly client: Client;
  private readonly manager: ConnectionManager;
  private readonly watchdog: ZooKeeperWatchdog;
  private readonly outstanding = new Set<(error: Error) => void>();
  private readonly watchers = new Map<string, { readonly handlers: Set<() => void>; readonly fire: () => void }>();
  private connected = false;
  private dead = false;
  private ended: () => void = () => undefined;

  constructor(private readonly options: ZooKeeperLinkOptions, private readonly observer: LinkObserver) {
    const { clock, sessionTimeoutMs } = options;
    const openedAtMs = clock.monotonic();
    this.client = createClient('localhost:2181', { sessionTimeout: sessionTimeoutMs, spinDelay: 300, retries: 0 });
    this.manager = this.client.connectionManager;
    this.manager.servers = [...options.servers()];
    this.manager.updateTimeout(sessionTimeoutMs);
    if (options.credentials !== undefined) this.client.addAuthInfo('digest', Buffer.from(options.credentials));
    const receive = this.manager.onSocketData.bind(this.manager);
    this.manager.onSocketData = (data) => { this.onData(data, receive); };
    this.manager.on('state', (state: number) => { this.onManagerState(state); });
    this.watchdog = new ZooKeeperWatchdog(this.manager, {
      clock,
      sessionTimeoutMs,
      abandonAfterMs: options.abandonAfterMs,
      heardAtMs: () => Math.max(this.heardAtMs, openedAtMs),
      isConnected: () => this.connected,
      probe: () => { this.client.exists('/', undefined, () => undefined); },
      abandon: () => { this.expire('refused by the servers since the connection broke'); },
      log: options.log,
    });
    this.client.connect();
    this.watchdog.start();
  }

  get sessionId(): string {
    const id = this.manager.sessionId.toString('hex');
    return /^0*$/.test(id) ? '' : id;
  }

  accepts(): boolean {
    if (!this.connected) return false;
    if (this.manager.xid < XID_LIMIT) return true;
    if (this.manager.pendingQueue.length > 0) return false;
    this.manager.xid = 0;
    return true;
  }

  async get(path: string, onEvent?: () => void): Promise<NodeContent | undefined> {
    return ifPresent(async () => {
      const [data, stat] = await this.call<[Buffer | undefined, Stat]>(`get ${path}`, (done) => {
        this.client.getData(this.real(path), this.watcher('content', path, onEvent), done);
      });
      return { data: data ?? Buffer.alloc(0), stat: statOf(stat) };
    });
  }

  async exists(path: string, onEvent?: () => void): Promise<NodeStat | undefined> {
    const [stat] = await this.call<[Stat | null]>(`exists ${path}`, (done) => {
      this.client.exists(this.real(path), this.watcher('content', path, onEvent), done);
    });
    return stat === null ? undefined : statOf(stat);
  }

  async children(path: string, onEvent?: () => void): Promise<readonly string[] | undefined> {
    return ifPresent(async () => {
      const [names] = await this.call<[string[], unknown]>(`children ${path}`, (done) => {
        this.client.getChildren(this.real(path), this.watcher('children', path, onEvent), done);
      });
      return names;
    });
  }

  async create(path: string, data: Buffer, kind: NodeKind): Promise<string> {
    const [made] = await this.call<[string]>(`create ${path}`, (done) => {
      this.client.create(this.real(path), data, aclOf(this.options.access, path), createModes[kind], done);
    });
    return this.seen(made);
  }

  async set(path: string, data: Buffer, version: number | undefined): Promise<NodeStat> {
    const [stat] = await this.call<[Stat]>(`set ${path}`, (done) => {
      this.client.setData(this.real(path), data, version ?? -1, done);
    });
    return statOf(stat);
  }

  async remove(path: string): Promise<void> {
    await this.call<[]>(`remove ${path}`, (done) => { this.client.remove(this.real(path), -1, done); });
  }

  /** Gives a node that exists the rights of the plan. */
  async setAccess(path: string): Promise<void> {
    await this.call<[Stat]>(`set the rights of ${path}`, (done) => {
      this.client.setACL(this.real(path), aclOf(this.options.access, path), -1, done);
    });
  }

  async multi(operations: readonly MultiOperation[]): Promise<readonly string[]> {
    const transaction = this.client.transaction();
    for (const operation of operations) this.addPart(transaction, operation);
    return new Promise((resolve, reject) => {
      const settle = this.register(reject);
      if (settle === undefined) return;
      transaction.commit((error, results) => {
        settle();
        if (error) reject(multiErrorOf(error, results, operations));
        else resolve((results ?? []).map(({ path }) => (path === undefined ? '' : this.seen(path))));
      });
    });
  }

  async close(): Promise<void> {
    if (this.dead) return;
    const wasConnected = this.connected;
    this.dead = true;
    this.connected = false;
    this.watchdog.stop();
    if (wasConnected) {
      const gone = new Promise<void>((resolve) => { this.ended = resolve; });
      this.client.close();
      const limit = new AbortController();
      await Promise.race([gone, this.options.clock.sleep(CLOSE_LIMIT_MS, limit.signal)]);
      limit.abort();
    }
    this.dispose();
  }

  private addPart(transaction: ReturnType<Client['transaction']>, operation: MultiOperation): void {
    const path = this.real(operation.path);
    switch (operation.type) {
      case 'create':
        transaction.create(path, operation.data, aclOf(this.options.access, operation.path),
          createModes[operation.kind ?? NodeKind.persistent]);
        break;
      case 'check':
        transaction.check(path);
        break;
      case 'remove':
        transaction.remove(path);
        break;
      case 'set':
        transaction.setData(path, operation.data);
        break;
    }
  }

  private onData(data: Buffer, receive: (data: Buffer) => void): void {
    this.heardAtMs = this.options.clock.monotonic();
    try {
      receive(data);
    } catch (error) {
      // An answer that the client does not know: nothing after it on this connection can be trusted.
      this.options.log.warn('RegistryAnswerNotUnderstood', { error: messageOf(error) });
      this.watchdog.breakConnection();
    }
  }

  private onManagerState(state: number): void {
    if (state === ManagerState.connected) {
      if (this.dead) return;
      this.connected = true;
      this.observer.connected();
    } else if (state === ManagerState.expired) {
      this.expire('expired');
    } else if (state === ManagerState.disconnected) {
      this.onDisconnected();
    }
  }

  /** Leaves nothing of the connection behind: the client would send it ahead of the authentication of the next. */
  private onDisconnected(): void {
    this.manager.packetQueue.queue.length = 0;
    this.manager.pendingBuffer = null;
    this.manager.xid = 0;
    Object.assign(this.manager.watcherManager, { dataWatchers: {}, childWatchers: {}, existenceWatchers: {} });
    this.watchers.clear();
    this.manager.servers = [...this.options.servers()];
    // It is compared with the number of servers, to pause after each round.
    this.manager.serverAttempts %= this.manager.servers.length + 1;
    const wasConnected = this.connected;
    this.connected = false;
    this.failOutstanding(new LinkLostError('the connection to ZooKeeper broke'));
    this.ended();
    if (wasConnected && !this.dead) this.observer.suspended();
  }

  private expire(reason: string): void {
    if (this.dead) return;
    this.options.log.warn('RegistrySessionExpired', { session: this.sessionId, reason });
    this.dead = true;
    this.connected = false;
    this.watchdog.stop();
    this.failOutstanding(new LinkLostError('the session ended'));
    this.dispose();
    this.observer.expired();
  }

  /** Stops the client, which knows no way to stop while it is not connected. */
  private dispose(): void {
    const { manager } = this;
    manager.connect = () => undefined;
    manager.onSocketConnected = () => { this.watchdog.breakConnection(); };
    this.watchdog.breakConnection();
    this.failOutstanding(new LinkLostError('the connection was closed'));
  }

  private failOutstanding(error: Error): void {
    const rejects = [...this.outstanding];
    this.outstanding.clear();
    for (const reject of rejects) reject(error);
  }

  private call<A extends unknown[]>(what: string, start: (done: Callback<A>) => void): Promise<A> {
    return new Promise<A>((resolve, reject) => {
      const settle = this.register(reject);
      if (settle === undefined) return;
      try {
        start((error, ...results) => {
          settle();
          if (error) reject(errorOf(error, what));
          else resolve(results);
        });
      } catch (error) {
        settle();
        reject(errorOf(error, what));
      }
    });
  }

  /** Notes an operation, so that it fails when the connection breaks even if the client forgot it. */
  private register(reject: (error: Error) => void): (() => void) | undefined {
    if (!this.connected) {
      reject(new LinkLostError('there is no connection to ZooKeeper'));
      return undefined;
    }
    this.outstanding.add(reject);
    return () => this.outstanding.delete(reject);
  }

  /** One function of the client's for all handlers of a node: it registers a function once. */
  private watcher(type: 'content' | 'children', path: string, onEvent?: () => void): (() => void) | undefined {
    if (onEvent === undefined) return undefined;
    const key = `${type}:${path}`;
    let entry = this.watchers.get(key);
    if (entry === undefined) {
      const handlers = new Set<() => void>();
      entry = {
        handlers,
        fire: () => {
          this.watchers.delete(key);
          for (const handler of handlers) handler();
        },
      };
      this.watchers.set(key, entry);
    }
    entry.handlers.add(onEvent);
    return entry.fire;
  }

  private real(path: string): string {
    if (this.options.chroot === '') return path;
    return path === '/' ? this.options.chroot : `${this.options.chroot}${path}`;
  }

  private seen(path: string): string {
    const below = path.slice(this.options.chroot.length);
    return below === '' ? '/' : below;
  }
}

async function ifPresent<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  }
}
