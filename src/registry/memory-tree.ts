import type { Clock } from '../clock';
import { ConflictError, InputError, NotFoundError, type ResilogError } from '../errors';
import { NodeKind, type MultiOperation, type NodeContent, type NodeStat } from './coordination';

interface Node {
  data: Buffer;
  version: number;
  readonly createdZxid: bigint;
  modifiedMs: number;
  readonly owner: string | undefined;
  readonly children: Set<string>;
  /** Creates below this node so far: the number of its next sequential child. */
  sequence: number;
}

interface Transaction {
  readonly undo: (() => void)[];
  readonly events: (readonly [string, TreeEvent])[];
}

/** What a change was, for the watches of its path. */
export type TreeEvent = 'content' | 'children';

/**
 * ZooKeeper's tree in memory: the same rules for versions, sequential names (a counter per parent that starts at 0
 * again when the parent is made anew), ephemerals and multi. Each method takes effect at once and as a whole.
 */
export class MemoryTree {
  private readonly nodes = new Map<string, Node>();
  private zxid = 0n;
  private transaction: Transaction | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly onChange: (path: string, event: TreeEvent) => void,
  ) {
    this.nodes.set('/', this.newNode(Buffer.alloc(0), undefined));
  }

  get(path: string): NodeContent | undefined {
    const node = this.nodes.get(valid(path));
    return node === undefined ? undefined : { data: Buffer.from(node.data), stat: stat(node) };
  }

  children(path: string): readonly string[] | undefined {
    const node = this.nodes.get(valid(path));
    return node === undefined ? undefined : [...node.children];
  }

  create(path: string, data: Buffer, kind: NodeKind, session: string): string {
    const ephemeral = kind === NodeKind.ephemeral || kind === NodeKind.ephemeralSequential;
    const sequential = kind === NodeKind.persistentSequential || kind === NodeKind.ephemeralSequential;
    const parentPath = parentOf(path);
    const parent = this.nodes.get(parentPath);
    if (parent === undefined) throw new NotFoundError(`${parentPath} does not exist`);
    if (parent.owner !== undefined) throw new InputError(`${parentPath} is ephemeral and can't have children`);
    const made = valid(sequential ? `${path}${String(parent.sequence).padStart(10, '0')}` : path);
    if (this.nodes.has(made)) throw new ConflictError(`${made} exists`);
    this.zxid += 1n;
    this.nodes.set(made, this.newNode(data, ephemeral ? session : undefined));
    parent.sequence += 1;
    parent.children.add(nameOf(made));
    this.changed([[made, 'content'], [parentPath, 'children']], () => {
      this.nodes.delete(made);
      parent.children.delete(nameOf(made));
      parent.sequence -= 1;
    });
    return made;
  }

  set(path: string, data: Buffer, version: number | undefined): NodeStat {
    const node = this.existing(path);
    if (version !== undefined && version !== node.version) {
      throw new ConflictError(`${path} has version ${node.version}, not ${version}`);
    }
    this.zxid += 1n;
    const former = { data: node.data, version: node.version, modifiedMs: node.modifiedMs };
    node.data = Buffer.from(data);
    node.version += 1;
    node.modifiedMs = this.clock.now();
    this.changed([[path, 'content']], () => Object.assign(node, former));
    return stat(node);
  }

  remove(path: string): void {
    const node = this.existing(path);
    if (path === '/') throw new InputError("the root can't be removed");
    if (node.children.size > 0) throw new ConflictError(`${path} is not empty`);
    this.zxid += 1n;
    this.nodes.delete(path);
    const parentPath = parentOf(path);
    const siblings = this.nodes.get(parentPath)?.children;
    siblings?.delete(nameOf(path));
    this.changed([[path, 'content'], [path, 'children'], [parentPath, 'children']], () => {
      this.nodes.set(path, node);
      siblings?.add(nameOf(path));
    });
  }

  /** All parts or none: on a failure the effects so far are taken back, and no watch hears of them. */
  multi(operations: readonly MultiOperation[], session: string): readonly string[] {
    const transaction: Transaction = { undo: [], events: [] };
    this.transaction = transaction;
    try {
      return operations.map((operation, index) => this.applyPart(operation, index, session));
    } catch (error) {
      for (const undo of transaction.undo.reverse()) undo();
      transaction.events.length = 0;
      throw error;
    } finally {
      this.transaction = undefined;
      for (const [path, event] of transaction.events) this.onChange(path, event);
    }
  }

  /** Ends a session: its ephemerals go. */
  removeEphemerals(session: string): void {
    const paths = [...this.nodes].filter(([, node]) => node.owner === session).map(([path]) => path);
    for (const path of paths) this.remove(path);
  }

  private applyPart(operation: MultiOperation, index: number, session: string): string {
    try {
      switch (operation.type) {
        case 'create':
          return this.create(operation.path, operation.data, operation.kind ?? NodeKind.persistent, session);
        case 'check':
          this.existing(operation.path);
          return '';
        case 'remove':
          this.remove(operation.path);
          return '';
        case 'set':
          this.set(operation.path, operation.data, undefined);
          return '';
      }
    } catch (error) {
      throw describePart(error, operation, index);
    }
  }

  /** Tells of a change, or notes it until the multi has succeeded. */
  private changed(events: readonly (readonly [string, TreeEvent])[], undo: () => void): void {
    if (this.transaction !== undefined) {
      this.transaction.undo.push(undo);
      this.transaction.events.push(...events);
      return;
    }
    for (const [path, event] of events) this.onChange(path, event);
  }

  private existing(path: string): Node {
    const node = this.nodes.get(valid(path));
    if (node === undefined) throw new NotFoundError(`${path} does not exist`);
    return node;
  }

  private newNode(data: Buffer, owner: string | undefined): Node {
    const modifiedMs = this.clock.now();
    const content = Buffer.from(data);
    return { data: content, version: 0, createdZxid: this.zxid, modifiedMs, owner, children: new Set(), sequence: 0 };
  }
}

function describePart(error: unknown, operation: MultiOperation, index: number): unknown {
  if (!(error instanceof ConflictError || error instanceof NotFoundError)) return error;
  const message = `part ${index} of the multi (${operation.type} ${operation.path}): ${error.message}`;
  return new (error.constructor as new (message: string) => ResilogError)(message);
}

function stat(node: Node): NodeStat {
  return {
    version: node.version,
    createdZxid: node.createdZxid.toString(16).padStart(16, '0'),
    modifiedMs: node.modifiedMs,
    childCount: node.children.size,
    ephemeralOwner: node.owner,
  };
}

function valid(path: string): string {
  const wrong = !path.startsWith('/') || (path !== '/' && path.endsWith('/')) || path.includes('//') || path.includes('\0');
  if (wrong) throw new InputError(`${JSON.stringify(path)} is not a path of the tree`);
  return path;
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? '/' : path.slice(0, slash);
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
