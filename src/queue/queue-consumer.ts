import type { Clock } from '../clock';
import { CorruptionError, FencedError, invariant, messageOf } from '../errors';
import type { Log } from '../log';
import type { Random } from '../random';
import type { Coordination } from '../registry/coordination';
import { removeFenced, wasDone } from './acknowledger';
import { BucketShare, type OwnedBucket } from './bucket-share';
import { decodeItem, itemPath } from './layout';
import type { QueueConsumer, TakenItem } from './ports';
import { createItem } from './queue-producer';
import { countBuckets } from './queue-tree';
import { WakeUp } from './wake-up';

/** Pause after items could not be read although the session is connected. */
const READ_RETRY_MS = 500;

export interface QueueConsumerOptions {
  readonly coordination: Coordination;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Time without progress after which all buckets are given up; read at each use. */
  readonly noProgressMs: () => number;
  readonly drainMs?: number;
}

interface Picked {
  readonly bucket: OwnedBucket;
  readonly name: string;
}

/**
 * Status: complete. Guarantees: an item is handed out by one owner of its bucket at a time as far as the tree knows,
 * the oldest of a bucket first; an acknowledgement takes effect only while its fence exists; an item that is not
 * acknowledged comes again, here or with the next owner. Not guaranteed: that an item is worked on once; whoever
 * indexes is fenced by the file's claim. When the session expires every fence is reported lost and the
 * consumer joins again by itself.
 */
export function createQueueConsumer(options: QueueConsumerOptions): QueueConsumer {
  return new CoordinationQueueConsumer(options);
}

class CoordinationQueueConsumer implements QueueConsumer {
  private readonly arrivals = new WakeUp();
  private readonly share: BucketShare;
  private onLost: (fence: string) => void = () => undefined;
  private started = false;
  private closed = false;
  private lastProgress: number;
  private takes = 0;
  private turn = 0;

  constructor(private readonly options: QueueConsumerOptions) {
    this.lastProgress = options.clock.monotonic();
    this.share = new BucketShare({
      ...options,
      drainMs: options.drainMs ?? 5_000,
      onArrival: () => { this.arrivals.wake(); },
      onLost: (fence) => { this.onLost(fence); },
      onTick: () => { this.watchProgress(); },
    });
  }

  get owned(): number {
    return this.share.owned.size;
  }

  async start(onLost: (fence: string) => void): Promise<void> {
    // What may fail comes first: then the start can be tried again.
    const buckets = await countBuckets(this.options.coordination);
    invariant(!this.started, 'a queue consumer is started once');
    this.started = true;
    this.onLost = onLost;
    await this.share.start(buckets);
  }

  progress(): void {
    this.lastProgress = this.options.clock.monotonic();
  }

  async take(maxItems: number, signal: AbortSignal): Promise<readonly TakenItem[]> {
    this.takes += 1;
    try {
      while (!signal.aborted && !this.closed) {
        const names = this.pick(maxItems);
        if (names.length === 0) {
          await this.arrivals.wait(signal);
          continue;
        }
        const items = await this.read(names, signal);
        if (items.length > 0) return items;
      }
      return [];
    } finally {
      this.takes -= 1;
      this.progress();
    }
  }

  async acknowledge(items: readonly TakenItem[]): Promise<void> {
    this.progress();
    const ours = items.filter((item) => this.share.owned.has(item.fence));
    await removeFenced(this.options.coordination, ours);
    for (const item of ours) this.share.owned.get(item.fence)?.items.removed(item.name);
    if (ours.length < items.length) throw new FencedError('the bucket is not ours any more: the item was not acknowledged');
  }

  putBack(items: readonly TakenItem[]): void {
    this.progress();
    for (const item of items) this.share.owned.get(item.fence)?.items.giveBack(item.name);
    this.arrivals.wake();
  }

  async split(item: TakenItem, groups: readonly (readonly string[])[]): Promise<void> {
    this.progress();
    const done = await wasDone(this.options.coordination.multi([
      { type: 'check', path: item.fence },
      { type: 'remove', path: itemPath(item.bucket, item.name) },
      ...groups.map((ids) => createItem(item.bucket, ids)),
    ]));
    if (!done) throw new FencedError(`${item.name} of bucket ${item.bucket} is not ours any more`);
    this.share.owned.get(item.fence)?.items.removed(item.name);
  }

  release(pauseMs: number): Promise<void> {
    return this.share.pause(pauseMs);
  }

  async close(): Promise<void> {
    this.closed = true;
    this.arrivals.wake();
    await this.share.close();
  }

  /** Marks up to `max` items as in work, from the owned buckets in turn. */
  private pick(max: number): Picked[] {
    if (this.options.coordination.state !== 'connected') return [];
    const buckets = [...this.share.owned.values()].filter((bucket) => bucket.drainingSince === undefined);
    const picked: Picked[] = [];
    let empty = 0;
    while (picked.length < max && empty < buckets.length) {
      this.turn += 1;
      const bucket = buckets[this.turn % buckets.length];
      const name = bucket?.items.next();
      if (bucket === undefined || name === undefined) {
        empty += 1;
      } else {
        empty = 0;
        picked.push({ bucket, name });
      }
    }
    return picked;
  }

  private async read(picked: readonly Picked[], signal: AbortSignal): Promise<TakenItem[]> {
    const results = await Promise.allSettled(picked.map(({ bucket, name }) => this.readOne(bucket, name)));
    const items: TakenItem[] = [];
    let failed = false;
    for (const [i, result] of results.entries()) {
      const { bucket, name } = picked[i] ?? {};
      if (bucket === undefined || name === undefined || !this.share.owned.has(bucket.fence)) continue;
      if (result.status === 'rejected') {
        failed = true;
        this.options.log.debug('QueueItemNotRead', { error: messageOf(result.reason) });
        bucket.items.giveBackFirst(name);
      } else if (result.value === undefined) {
        bucket.items.removed(name);
      } else {
        items.push(result.value);
      }
    }
    if (failed && items.length === 0) await this.options.clock.sleep(READ_RETRY_MS, signal);
    return items;
  }

  /** Undefined when the item is gone, or was thrown away because nobody can read it. */
  private async readOne(owned: OwnedBucket, name: string): Promise<TakenItem | undefined> {
    const content = await this.options.coordination.get(itemPath(owned.bucket, name));
    if (content === undefined) return undefined;
    const item = { name, bucket: owned.bucket, fence: owned.fence };
    try {
      return { ...item, fileIds: decodeItem(content.data) };
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error;
      // Nothing is lost: the recoverer puts files without progress into the queue again.
      this.options.log.error('QueueItemDiscarded', { ...item, error });
      await removeFenced(this.options.coordination, [{ ...item, fileIds: [] }]);
      return undefined;
    }
  }

  /** A worker that hangs with a live session would hold its buckets for ever (schedule 28). */
  private watchProgress(): void {
    // What could not be taken while the session was suspended is looked at again.
    this.arrivals.wake();
    if (this.takes > 0 || this.share.away) return;
    const busy = [...this.share.owned.values()].some(({ items }) => items.inWork.size > 0 || !items.idle);
    const silentMs = this.options.clock.monotonic() - this.lastProgress;
    if (!busy || silentMs < this.options.noProgressMs()) return;
    this.options.log.warn('ConsumerStalled', { silentMs, buckets: this.owned });
    this.progress();
    void this.release(this.options.noProgressMs());
  }
}
