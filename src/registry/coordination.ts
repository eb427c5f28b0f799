/**
 * The port to ZooKeeper: a tree of small nodes shared by all processes. Nothing outside the adapters
 * (`zookeeper-*.ts`, `memory-*.ts`) knows a connection. Paths are absolute below the chroot, e.g. `/Lanes`.
 *
 * Guarantees: every operation settles within the adapter's deadline. It rejects with UnavailableError when it
 * certainly was not done, UnknownOutcomeError when it may have been, NotFoundError, ConflictError (exists, not
 * empty, or version differs), PermissionError (ACL).
 * Not guaranteed: that a watch sees every change: only that after the last change its handler sees the last state.
 */
export interface NodeStat {
  /** Number of changes of the content; 0 after creation. */
  readonly version: number;
  /** Id of the transaction that created the node: tells a re-created node from the former one. */
  readonly createdZxid: string;
  readonly modifiedMs: number;
  readonly childCount: number;
  /** Session that owns an ephemeral node as 16 hex digits; undefined for a persistent node. */
  readonly ephemeralOwner: string | undefined;
}

export interface NodeContent {
  readonly data: Buffer;
  readonly stat: NodeStat;
}

export const NodeKind = {
  persistent: 'persistent',
  ephemeral: 'ephemeral',
  persistentSequential: 'persistent-sequential',
  ephemeralSequential: 'ephemeral-sequential',
} as const;
export type NodeKind = (typeof NodeKind)[keyof typeof NodeKind];

/** One part of a `multi`: all parts take effect, or none. */
export type MultiOperation =
  | { readonly type: 'create'; readonly path: string; readonly data: Buffer; readonly kind?: NodeKind }
  /** Fails the multi unless the node exists. Fence on the existence of a unique path, never on a version. */
  | { readonly type: 'check'; readonly path: string }
  | { readonly type: 'remove'; readonly path: string }
  | { readonly type: 'set'; readonly path: string; readonly data: Buffer };

/**
 * connected: the server answers. suspended: no server is reached, ephemerals may or may not live still.
 * expired: the session's ephemerals are gone for good; the adapter makes a new session by itself (a new id) and
 * then re-makes held ephemerals and watches. closed: `close()` was called.
 */
export type SessionState = 'connected' | 'suspended' | 'expired' | 'closed';

export interface Watch {
  /** Resolves when the handler was called for the first time; rejects if the session closes before. */
  readonly ready: Promise<void>;
  close(): void;
}

/** An ephemeral node that the adapter re-makes in every new session until it is closed. */
export interface HeldNode {
  readonly path: string;
  /** Changes the content, now and for later re-makes. */
  update(data: Buffer): Promise<void>;
  /** Removes the node. Idempotent. */
  close(): Promise<void>;
}

export interface Coordination {
  readonly state: SessionState;
  /** 16 hex digits; changes after an expiry. Empty before the first connection. */
  readonly sessionId: string;
  /** Time since a server last answered, in ms of the monotonic clock; 0 while connected. */
  silentMs(): number;
  /** Calls the handler at each change of state, until the returned function is called. */
  onState(handler: (state: SessionState) => void): () => void;

  get(path: string): Promise<NodeContent | undefined>;
  exists(path: string): Promise<NodeStat | undefined>;
  /** Names (not paths), unordered. NotFoundError when the node is not there. */
  children(path: string): Promise<readonly string[]>;
  /** Returns the path made (it differs for sequential kinds). Parents must exist. */
  create(path: string, data: Buffer, kind?: NodeKind): Promise<string>;
  /** Makes the missing persistent nodes of a path; with the session's ACLs. */
  ensure(path: string): Promise<void>;
  /** With `version` (0 included): ConflictError unless it is the node's. */
  set(path: string, data: Buffer, version?: number): Promise<NodeStat>;
  /** Resolves also when the node is already gone. */
  remove(path: string): Promise<void>;
  /** Removes a node and all below it, deepest first. Resolves also when it is gone. */
  removeTree(path: string): Promise<void>;
  /** Paths made by creates ('' for other parts). ConflictError names the part that failed. */
  multi(operations: readonly MultiOperation[]): Promise<readonly string[]>;

  /** Content now and after each change; undefined while the node does not exist. Read again after reconnecting. */
  watchContent(path: string, handler: (content: NodeContent | undefined) => void): Watch;
  /** Calls the handler once, when the node is not there, or no more. Leaves no watch for its creation behind. */
  whenGone(path: string, handler: () => void): Watch;
  /** Children's names now and after each change; undefined while the node does not exist. */
  watchChildren(path: string, handler: (names: readonly string[] | undefined) => void): Watch;

  /**
   * Holds an ephemeral node. If a node of that name exists and belongs to another session (ours before an
   * expiry, or a former process), it is deleted and made anew.
   */
  hold(path: string, data: Buffer): Promise<HeldNode>;

  /** Removes held nodes, ends the session. Idempotent. */
  close(): Promise<void>;
}
