import type { MultiOperation, NodeContent, NodeKind, NodeStat } from './coordination';

/**
 * One session with a server, as an adapter gives it: raw operations, sent at once. Deadlines, queueing, held nodes
 * and watches are built on it by SessionCoordination, the same way for every adapter.
 *
 * Operations may only be called while connected. They reject with NotFoundError, ConflictError, PermissionError,
 * or LinkLostError when the connection broke before the answer. `onEvent` is called at most once, at the first
 * change after the read, and never after the connection broke: everything is read again after reconnecting.
 */
export interface SessionLink {
  /** 16 hex digits; '' before the first connection. */
  readonly sessionId: string;
  /** Monotonic time in ms at which the server was last heard; -Infinity before the first time. */
  readonly heardAtMs: number;
  /** False while the link must not be given more (it drains before it starts counting anew). */
  accepts(): boolean;

  get(path: string, onEvent?: () => void): Promise<NodeContent | undefined>;
  /** The event of a missing node is its creation. */
  exists(path: string, onEvent?: () => void): Promise<NodeStat | undefined>;
  children(path: string, onEvent?: () => void): Promise<readonly string[] | undefined>;
  create(path: string, data: Buffer, kind: NodeKind): Promise<string>;
  set(path: string, data: Buffer, version: number | undefined): Promise<NodeStat>;
  remove(path: string): Promise<void>;
  multi(operations: readonly MultiOperation[]): Promise<readonly string[]>;

  /** Ends the session when connected, else only the link. Resolves within two seconds. No event follows. */
  close(): Promise<void>;
}

/** What happens to a link. After `expired` it is dead, and another one is opened. */
export interface LinkObserver {
  connected(): void;
  suspended(): void;
  expired(): void;
}

export type OpenLink = (observer: LinkObserver) => SessionLink;

/** The operation was sent, and the connection broke before its answer. */
export class LinkLostError extends Error {
  override readonly name = 'LinkLostError';
}
