import { faultPoint } from '../fault-points';
import { isRetryable } from '../retry';
import { NodeKind, type Coordination, type Watch } from '../registry/coordination';
import { bucketPath, compareSequence } from './layout';

export interface BucketOwnerEvents {
  readonly onOwned: (bucket: number, fence: string) => void;
  readonly onLost: (bucket: number, fence: string) => void;
  /** The bucket's owners may have changed: shares can be looked at again. */
  readonly onChange: () => void;
  readonly onError: (bucket: number, error: unknown) => void;
}

/** Names this consumer's owner nodes: `id` is its own (hex), `next` a new hex guid that starts with it. */
export interface OwnerIdentity {
  readonly id: string;
  readonly next: () => string;
}

/**
 * Ownership of one bucket. The owner is the lowest of the ephemeral sequential nodes `owner-<guid>-<seq>`; the path
 * of such a node is unique for ever and is the fence. What we own is read from the tree, never concluded from an
 * answer: a create whose answer was lost is found by its guid and adopted, or removed when it is not
 * wanted any more (schedule 27: a ghost owner before which its own maker waits for ever).
 *
 * Not guaranteed: that a fence that is held here still exists; acknowledging checks it.
 */
export class BucketOwner {
  /** Path of our owner node while the bucket is ours. */
  fence: string | undefined;
  private wanted = false;
  /** Nodes of others and of ours as last seen; undefined before the first listing. */
  private owners: readonly string[] | undefined;
  private watch: Watch | undefined;
  private claiming = false;
  private settling: Promise<void> | undefined;
  private again = false;
  private expiries = 0;
  /** Counts what the watch told: a listing that was asked for before is of no worth then. */
  private sightings = 0;

  constructor(
    private readonly coordination: Coordination,
    readonly bucket: number,
    private readonly identity: OwnerIdentity,
    private readonly events: BucketOwnerEvents,
  ) {}

  /** Resolves when the bucket's owners are known. */
  async start(): Promise<void> {
    this.watch = this.coordination.watchChildren(bucketPath(this.bucket), (names) => { this.seen(names ?? []); });
    await this.watch.ready;
  }

  /** Nobody owns the bucket and nobody of us is about to. */
  get free(): boolean {
    return this.owners?.length === 0 && this.fence === undefined && !this.claiming;
  }

  /** Tries to become the owner; when somebody was first, leaves it to them. */
  async claim(): Promise<void> {
    if (!this.free) return;
    this.wanted = true;
    this.claiming = true;
    try {
      const path = `${bucketPath(this.bucket)}/owner-${this.identity.next()}-`;
      await this.coordination.create(path, Buffer.alloc(0), NodeKind.ephemeralSequential);
      faultPoint('queue.bucket-asked-for');
    } catch (error) {
      this.events.onError(this.bucket, error);
    }
    this.claiming = false;
    await this.settle();
  }

  /** Gives the bucket up; the fence has ended for us when this returns its promise. */
  async release(): Promise<void> {
    this.wanted = false;
    this.lose();
    await this.settle();
  }

  /** The session has ended, and every ephemeral node with it. */
  expire(): void {
    this.expiries += 1;
    this.owners = undefined;
    this.lose();
  }

  /** Makes the tree and this object agree; failures are tried again at the next call. */
  async settle(): Promise<void> {
    if (this.settling !== undefined) {
      this.again = true;
      return this.settling;
    }
    this.settling = this.settleOften().finally(() => { this.settling = undefined; });
    return this.settling;
  }

  /** True when something of ours is in the tree that should not be, or the other way round. */
  get unsettled(): boolean {
    const mine = (this.owners ?? []).filter((name) => this.isMine(name));
    if (this.claiming) return false;
    return mine.length !== (this.fence === undefined ? 0 : 1) || (this.fence !== undefined && !this.wanted);
  }

  async close(): Promise<void> {
    await this.release();
    this.watch?.close();
  }

  private seen(names: readonly string[]): void {
    this.owners = ownersIn(names);
    this.sightings += 1;
    if (this.unsettled) void this.settle();
    this.events.onChange();
  }

  private async settleOften(): Promise<void> {
    do {
      this.again = false;
      try {
        await this.settleOnce();
      } catch (error) {
        this.events.onError(this.bucket, error);
        if (!isRetryable(error)) return;
      }
    } while (this.again);
  }

  private async settleOnce(): Promise<void> {
    const { expiries, sightings } = this;
    const owners = ownersIn(await this.coordination.children(bucketPath(this.bucket)));
    if (expiries !== this.expiries) return;
    // Nobody tells a second time that the bucket is free: what was asked for before must not take that place.
    if (sightings !== this.sightings) {
      this.again = true;
      return;
    }
    this.owners = owners;
    const first = owners[0];
    const mine = owners.filter((name) => this.isMine(name));
    const kept = this.wanted && first !== undefined && mine.includes(first) ? first : undefined;
    if (kept === undefined || this.pathOf(kept) !== this.fence) this.lose();
    if (kept !== undefined && this.fence === undefined) await this.adopt(kept);
    const extra = mine.filter((name) => this.pathOf(name) !== this.fence && !(this.claiming && this.wanted));
    if (extra.length === 0) return;
    await Promise.all(extra.map((name) => this.coordination.remove(this.pathOf(name))));
    faultPoint('queue.bucket-given-up');
    if (sightings === this.sightings) this.owners = owners.filter((name) => !extra.includes(name));
  }

  /** Takes a node as ours if it belongs to this session: one of a former session is about to vanish. */
  private async adopt(name: string): Promise<void> {
    const { expiries } = this;
    const stat = await this.coordination.exists(this.pathOf(name));
    if (stat?.ephemeralOwner !== this.coordination.sessionId || expiries !== this.expiries || !this.wanted) return;
    this.fence = this.pathOf(name);
    this.events.onOwned(this.bucket, this.fence);
  }

  private lose(): void {
    const { fence } = this;
    if (fence === undefined) return;
    this.fence = undefined;
    this.events.onLost(this.bucket, fence);
  }

  private isMine(name: string): boolean {
    return name.startsWith(`owner-${this.identity.id}`);
  }

  private pathOf(name: string): string {
    return `${bucketPath(this.bucket)}/${name}`;
  }
}

function ownersIn(names: readonly string[]): readonly string[] {
  return names.filter((name) => name.startsWith('owner-')).sort(compareSequence);
}
