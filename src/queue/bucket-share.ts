import type { Clock } from '../clock';
import { messageOf } from '../errors';
import { faultPoint } from '../fault-points';
import type { Log } from '../log';
import { randomHex, type Random } from '../random';
import type { Coordination, HeldNode, Watch } from '../registry/coordination';
import { BucketItems } from './bucket-items';
import { BucketOwner } from './bucket-owner';
import { participantsPath } from './layout';
import { shareOf } from './sharing';

/** How often everything that failed or waits is looked at again. */
const TICK_MS = 1_000;

export interface BucketShareOptions {
  readonly coordination: Coordination;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Time that a bucket to be given to another consumer may take to finish its items. */
  readonly drainMs: number;
  /** Called when a bucket became ours or an owned one has new items. */
  readonly onArrival: () => void;
  readonly onLost: (fence: string) => void;
  readonly onTick: () => void;
}

/** A bucket of ours. */
export interface OwnedBucket {
  readonly bucket: number;
  readonly fence: string;
  readonly items: BucketItems;
  /** Since when (monotonic) nothing is taken from it, because it goes to another consumer. */
  drainingSince: number | undefined;
}

/** The consumer's membership and its fair share of the buckets, over session expiries and pauses. */
export class BucketShare {
  readonly owned = new Map<string, OwnedBucket>();
  readonly name: string;
  private owners: readonly BucketOwner[] = [];
  private participants: readonly string[] = [];
  private participant: HeldNode | undefined;
  private joining = false;
  private watch: Watch | undefined;
  private pausedUntil: number | undefined;
  private closed = false;
  private sharing = false;
  private shareAgain = false;
  private guids = 0;
  private cancelTick: () => void = () => undefined;
  private forgetState: () => void = () => undefined;

  constructor(private readonly options: BucketShareOptions) {
    this.name = randomHex(options.random, 8);
  }

  async start(buckets: number): Promise<void> {
    const { coordination } = this.options;
    const identity = { id: this.name, next: () => this.name + (this.guids += 1).toString(16).padStart(8, '0') };
    this.owners = Array.from({ length: buckets }, (_, bucket) => new BucketOwner(coordination, bucket, identity, {
      onOwned: (number, fence) => { this.gain(number, fence); },
      onLost: (_number, fence) => { this.lose(fence); },
      onChange: () => { void this.share(); },
      onError: (number, error) => {
        this.options.log.debug('BucketOwnershipFailed', { bucket: number, error: messageOf(error) });
      },
    }));
    this.forgetState = coordination.onState((state) => {
      if (state === 'expired') for (const owner of this.owners) owner.expire();
      if (state === 'connected') void this.share();
    });
    await Promise.all(this.owners.map((owner) => owner.start()));
    this.watch = coordination.watchChildren(participantsPath, (names) => {
      this.participants = names ?? [];
      void this.share();
    });
    await this.watch.ready;
    await this.join();
    this.tick();
  }

  /** Paused or closed: nothing is owned on purpose. */
  get away(): boolean {
    return this.closed || this.pausedUntil !== undefined;
  }

  /** Leaves the consumers and gives up all buckets; joins again after `pauseMs`. */
  async pause(pauseMs: number): Promise<void> {
    if (this.closed) return;
    this.pausedUntil = Math.max(this.pausedUntil ?? 0, this.options.clock.monotonic() + pauseMs);
    await this.leave();
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.cancelTick();
    this.forgetState();
    this.watch?.close();
    await this.leave();
    await Promise.all(this.owners.map((owner) => owner.close()));
  }

  private async leave(): Promise<void> {
    const { participant } = this;
    this.participant = undefined;
    const released = this.owners.map((owner) => owner.release());
    try {
      await participant?.close();
    } catch (error) {
      this.options.log.debug('ConsumerNotLeft', { error: messageOf(error) });
    }
    await Promise.all(released);
  }

  private async join(): Promise<void> {
    if (this.participant !== undefined || this.joining || this.away) return;
    this.joining = true;
    try {
      const held = await this.options.coordination.hold(`${participantsPath}/${this.name}`, Buffer.alloc(0));
      faultPoint('queue.consumer-joined');
      if (this.away) await held.close();
      else this.participant = held;
    } catch (error) {
      this.options.log.debug('ConsumerNotJoined', { error: messageOf(error) });
    } finally {
      this.joining = false;
    }
  }

  private tick(): void {
    if (this.closed) return;
    this.cancelTick = this.options.clock.timer(TICK_MS, () => { this.tick(); });
    const now = this.options.clock.monotonic();
    if (this.pausedUntil !== undefined && now >= this.pausedUntil) this.pausedUntil = undefined;
    void this.join();
    for (const owner of this.owners) if (owner.unsettled) void owner.settle();
    void this.share();
    this.options.onTick();
  }

  /** Takes what is missing from our share, or lets go of what is above it. One run at a time. */
  async share(): Promise<void> {
    this.shareAgain = true;
    if (this.sharing) return;
    this.sharing = true;
    while (this.shareAgain && !this.away && this.options.coordination.state === 'connected') {
      this.shareAgain = false;
      const target = shareOf(this.participants, this.name, this.owners.length);
      const excess = this.owned.size - target;
      if (excess > 0) await this.drain(excess);
      else await this.claim(-excess);
    }
    this.sharing = false;
  }

  private async claim(missing: number): Promise<void> {
    for (const bucket of this.owned.values()) bucket.drainingSince = undefined;
    if (missing === 0) return;
    // In random order, so that consumers that start together rarely try the same bucket.
    const free = this.owners.filter((owner) => owner.free)
      .map((owner) => ({ owner, at: this.options.random.fraction() }));
    free.sort((a, b) => a.at - b.at);
    await Promise.all(free.slice(0, missing).map(({ owner }) => owner.claim()));
  }

  private async drain(excess: number): Promise<void> {
    const now = this.options.clock.monotonic();
    const order = [...this.owned.values()].sort((a, b) =>
      Number(b.drainingSince !== undefined) - Number(a.drainingSince !== undefined)
      || a.items.inWork.size - b.items.inWork.size);
    order.forEach((bucket, i) => {
      bucket.drainingSince = i < excess ? bucket.drainingSince ?? now : undefined;
    });
    const ready = order.slice(0, excess).filter(({ items, drainingSince = now }) =>
      items.inWork.size === 0 || now - drainingSince >= this.options.drainMs);
    await Promise.all(ready.map(async ({ bucket }) => this.owners[bucket]?.release()));
  }

  private gain(bucket: number, fence: string): void {
    const items = new BucketItems(this.options.coordination, bucket, this.options.onArrival);
    this.owned.set(fence, { bucket, fence, items, drainingSince: undefined });
    this.options.onArrival();
  }

  private lose(fence: string): void {
    const bucket = this.owned.get(fence);
    if (bucket === undefined) return;
    this.owned.delete(fence);
    bucket.items.close();
    this.options.onLost(fence);
  }
}
