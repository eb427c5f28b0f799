/**
 * The queue port: a hint of which files to index. A file id may be in it twice or be missing for a while; the
 * state document decides. Elements are held in buckets (a hash of the file id), each owned by one consumer.
 */
export interface QueueItem {
  /** Names the item within its bucket. */
  readonly name: string;
  readonly bucket: number;
  readonly fileIds: readonly string[];
}

/** An item that a consumer holds, with the fence under which it may be acknowledged. */
export interface TakenItem extends QueueItem {
  /** Path of the ephemeral owner node; unique for ever. */
  readonly fence: string;
}

export interface DeadLetter {
  readonly fileId: string;
  readonly reason: string;
  readonly atMs: number;
}

export interface QueueDepth {
  /** Items waiting or in work, over all buckets. */
  readonly items: number;
  readonly dead: number;
}

export interface QueueProducer {
  /** Appends; ids are grouped by bucket, at most `limits.queueItemFiles` an item. Never bounded: repairs use it too. */
  put(fileIds: readonly string[]): Promise<void>;
  /** From child counts; never lists. */
  depth(): Promise<QueueDepth>;
}

export interface QueueConsumer {
  /**
   * Joins the consumers. From now on buckets are owned, given up and shared out evenly as others come and go.
   * `onLost` is told of fences that ended (rebalance, expiry): work on their items must stop.
   */
  start(onLost: (fence: string) => void): Promise<void>;
  /** The next items of owned buckets that are not being worked on; waits until there is one or the signal aborts. */
  take(maxItems: number, signal: AbortSignal): Promise<readonly TakenItem[]>;
  /** One multi: checks the fences, deletes the items. FencedError when a fence is gone: nothing was deleted. */
  acknowledge(items: readonly TakenItem[]): Promise<void>;
  /** The items stay in the queue; they come again, after the others of their bucket. */
  putBack(items: readonly TakenItem[]): void;
  /**
   * Replaces an item by one item a group in one multi, at the end of its bucket: to drop finished files from it, or
   * to part a bad file from the others. FencedError when the fence is gone.
   */
  split(item: TakenItem, groups: readonly (readonly string[])[]): Promise<void>;
  /** Work goes on. Without this, a take, an acknowledgement or a putBack for too long, all buckets are given up. */
  progress(): void;
  /** Gives up all buckets for at least `pauseMs`, so that others take them: this consumer can't work. */
  release(pauseMs: number): Promise<void>;
  /** Number of buckets owned at this moment. */
  readonly owned: number;
  /** Leaves the consumers and gives up all buckets; waiting takes return nothing. Idempotent. */
  close(): Promise<void>;
}

export interface QueueAdministration {
  depth(): Promise<QueueDepth>;
  list(limit: number): Promise<readonly QueueItem[]>;
  dead(limit: number): Promise<readonly DeadLetter[]>;
  bury(letter: DeadLetter): Promise<void>;
  /** Removes the dead letter; the caller revived the file's state and enqueues it. */
  unbury(fileId: string): Promise<void>;
}
