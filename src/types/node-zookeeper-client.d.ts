/** The part of node-zookeeper-client 1.1.3 that zookeeper-*.ts use, its internals that have to be mended included. */
declare module 'node-zookeeper-client' {
  import type { Socket } from 'node:net';
  import type { EventEmitter } from 'node:events';

  export interface Stat {
    readonly czxid: Buffer;
    readonly mtime: Buffer;
    readonly version: number;
    readonly numChildren: number;
    readonly ephemeralOwner: Buffer;
  }

  export type Callback<A extends unknown[]> = (error: unknown, ...results: A) => void;

  export class Id {
    constructor(scheme: string, id: string);
  }

  export class ACL {
    constructor(permission: number, id: Id);
  }

  export interface TransactionResult {
    readonly type: number;
    readonly path?: string;
    readonly err?: number;
  }

  export interface Transaction {
    create(path: string, data: Buffer, acls: readonly ACL[], mode: number): Transaction;
    check(path: string): Transaction;
    remove(path: string): Transaction;
    setData(path: string, data: Buffer): Transaction;
    commit(callback: Callback<[TransactionResult[] | undefined]>): void;
  }

  export interface ConnectionManager extends EventEmitter {
    state: number;
    servers: { host: string; port: number }[];
    serverAttempts: number;
    sessionId: Buffer;
    sessionPassword: Buffer;
    xid: number;
    socket?: Socket;
    connectTimeoutHandler: NodeJS.Timeout | null;
    pendingBuffer: Buffer | null;
    pendingQueue: unknown[];
    packetQueue: { queue: unknown[] };
    watcherManager: { dataWatchers: object; childWatchers: object; existenceWatchers: object };
    updateTimeout(sessionTimeoutMs: number): void;
    connect(): void;
    onSocketData(data: Buffer): void;
    onSocketConnected(): void;
  }

  export interface Client {
    readonly connectionManager: ConnectionManager;
    connect(): void;
    close(): void;
    setACL(path: string, acls: readonly ACL[], version: number, callback: Callback<[Stat]>): void;
    addAuthInfo(scheme: string, auth: Buffer): void;
    create(path: string, data: Buffer, acls: readonly ACL[], mode: number, callback: Callback<[string]>): void;
    remove(path: string, version: number, callback: Callback<[]>): void;
    setData(path: string, data: Buffer, version: number, callback: Callback<[Stat]>): void;
    getData(path: string, watcher: (() => void) | undefined, callback: Callback<[Buffer | undefined, Stat]>): void;
    exists(path: string, watcher: (() => void) | undefined, callback: Callback<[Stat | null]>): void;
    getChildren(path: string, watcher: (() => void) | undefined, callback: Callback<[string[], Stat]>): void;
    transaction(): Transaction;
  }

  export function createClient(
    connectionString: string,
    options: { sessionTimeout: number; spinDelay: number; retries: number },
  ): Client;

  export const CreateMode: {
    readonly PERSISTENT: number;
    readonly PERSISTENT_SEQUENTIAL: number;
    readonly EPHEMERAL: number;
    readonly EPHEMERAL_SEQUENTIAL: number;
  };

  export const Permission: {
    readonly READ: number;
    readonly WRITE: number;
    readonly CREATE: number;
    readonly DELETE: number;
    readonly ADMIN: number;
    readonly ALL: number;
  };

  export const Exception: {
    readonly OK: number;
    readonly RUNTIME_INCONSISTENCY: number;
    readonly NO_NODE: number;
    readonly NO_AUTH: number;
    readonly BAD_VERSION: number;
    readonly BAD_ARGUMENTS: number;
    readonly NO_CHILDREN_FOR_EPHEMERALS: number;
    readonly NODE_EXISTS: number;
    readonly NOT_EMPTY: number;
    readonly INVALID_ACL: number;
    readonly AUTH_FAILED: number;
  };
}
