import type { Clock } from '../clock';
import { ConflictError, NotFoundError, ResilogError, UnavailableError } from '../errors';
import type { Log } from '../log';
import { NodeKind, type HeldNode } from './coordination';
import type { OperationQueue } from './operation-queue';
import { LinkLostError, type SessionLink } from './session-link';

/** Pause before a node that could not be made while connected is tried again. */
const RETRY_MS = 500;
/** Rounds of create and look in one try: each ends with the node ours, or with somebody who races us for it. */
const MAX_ROUNDS = 10;

/** The ephemeral nodes that every new session makes again, and those that still have to be removed. */
export class HeldNodes {
  private readonly nodes = new Map<string, RemadeNode>();

  constructor(
    private readonly queue: OperationQueue,
    private readonly session: () => string,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  async hold(path: string, data: Buffer): Promise<HeldNode> {
    const former = this.nodes.get(path);
    if (former !== undefined && !former.isClosed()) throw new ConflictError(`${path} is held by this process already`);
    // The former node may still be in the tree; the new one takes it over once nothing is under way for it.
    await former?.abandon();
    const node: RemadeNode = new RemadeNode(path, data, this.queue, this.session, this.clock, this.log, () => {
      if (this.nodes.get(path) === node) this.nodes.delete(path);
    });
    this.nodes.set(path, node);
    try {
      await node.settle(true);
    } catch (error) {
      // An unknown outcome may have left the node: it is removed as soon as that is possible.
      void node.close().catch(() => undefined);
      throw error;
    }
    return node;
  }

  /** After a connection was made, in the same session or a new one. */
  restore(): void {
    for (const node of this.nodes.values()) node.restore();
  }

  async close(): Promise<void> {
    const nodes = [...this.nodes.values()];
    await Promise.all(nodes.map((node) => node.close().catch(() => undefined)));
    await Promise.all(nodes.map((node) => node.abandon()));
  }
}

class RemadeNode implements HeldNode {
  private closing: Promise<void> | undefined;
  private closed = false;
  /** Nothing is left to do: the node is removed, or another has taken it over. */
  private gone = false;
  /** The session in which the node exists with the data of `madeData`; '' when that is not known. */
  private madeIn = '';
  private madeData: Buffer | undefined;
  /** Counts the tries, so that one whose deadline passed does nothing more. */
  private attempt = 0;
  private tail: Promise<void> = Promise.resolve();

  constructor(
    readonly path: string,
    private data: Buffer,
    private readonly queue: OperationQueue,
    private readonly session: () => string,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly forget: () => void,
  ) {}

  isClosed(): boolean {
    return this.closed;
  }

  /** Leaves the tree as it is and does nothing more. */
  async abandon(): Promise<void> {
    this.closed = true;
    this.gone = true;
    this.forget();
    await this.tail;
  }

  update(data: Buffer): Promise<void> {
    if (this.closed) return Promise.reject(new NotFoundError(`${this.path} is held no longer`));
    this.data = data;
    return this.settle(false);
  }

  close(): Promise<void> {
    this.closed = true;
    this.closing ??= this.settle(false).catch((error: unknown) => {
      this.closing = undefined;
      this.clock.timer(RETRY_MS, () => { this.restore(); });
      throw error;
    });
    return this.closing;
  }

  restore(): void {
    if (this.gone || (!this.closed && this.isMade())) return;
    void this.settle(true).catch((error: unknown) => {
      if (this.gone) return;
      const hopeless = error instanceof ResilogError && !error.retryable;
      this.log[hopeless ? 'error' : 'debug']('HeldNodeNotMade', { path: this.path, error });
      this.clock.timer(RETRY_MS, () => { this.restore(); });
    });
  }

  /** Makes the tree as wanted: the node with its data, or no node. One at a time. */
  settle(urgent: boolean): Promise<void> {
    const run = this.tail.then(() => this.settleNow(urgent));
    this.tail = run.catch(() => undefined);
    return run;
  }

  private async settleNow(urgent: boolean): Promise<void> {
    if (this.gone) return;
    this.attempt += 1;
    const attempt = this.attempt;
    if (this.closed) {
      // Outside the session that made it there is nothing of ours to remove.
      await this.queue.submit('write', `remove ${this.path}`, (link) => this.removeOwn(link), urgent);
      this.gone = true;
      this.forget();
      return;
    }
    if (this.isMade()) return;
    const data = this.data;
    this.madeIn = '';
    const madeIn = await this.queue.submit('write', `hold ${this.path}`,
      (link) => this.make(link, data, attempt), urgent);
    this.madeIn = madeIn;
    this.madeData = data;
  }

  private isMade(): boolean {
    return this.madeIn !== '' && this.madeIn === this.session() && this.madeData === this.data;
  }

  private async make(link: SessionLink, data: Buffer, attempt: number): Promise<string> {
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      if (attempt !== this.attempt) throw new LinkLostError('a later try took over');
      try {
        await link.create(this.path, data, NodeKind.ephemeral);
        return link.sessionId;
      } catch (error) {
        if (!(error instanceof ConflictError)) throw error;
      }
      const stat = await link.exists(this.path);
      if (stat?.ephemeralOwner === link.sessionId) {
        // Ours already: an earlier try was done and its answer was lost, or only the content is to be changed.
        try {
          await link.set(this.path, data, undefined);
          return link.sessionId;
        } catch (error) {
          if (!(error instanceof NotFoundError)) throw error;
        }
      } else if (stat !== undefined) {
        await ignoreMissing(link.remove(this.path));
      }
    }
    throw new UnavailableError(`${this.path} is made anew by somebody else all the time`, {
      remedy: 'see whether two processes have the same member name',
    });
  }

  private async removeOwn(link: SessionLink): Promise<void> {
    const stat = await link.exists(this.path);
    if (stat?.ephemeralOwner === link.sessionId) await ignoreMissing(link.remove(this.path));
  }
}

async function ignoreMissing(removal: Promise<void>): Promise<void> {
  try {
    await removal;
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
  }
}
