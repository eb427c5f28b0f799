import type { Coordination, Watch } from '../registry/coordination';
import { compareSequence, itemsPath, sequenceDifference, sequenceOf } from './layout';

/** A watch is kept open only on a listing as short as this: each change costs the listing again. */
const WATCHED_NAMES = 200;

/**
 * The items of one owned bucket, known from a listing that is made again only when all of it is handed out: so the
 * cost of an item does not grow with the backlog. Items get rising numbers: after a listing only higher ones are
 * new.
 */
export class BucketItems {
  private fresh: string[] = [];
  private readonly deferred: string[] = [];
  private highest: number | undefined;
  private watch: Watch | undefined;
  private generation = 0;
  /** Items handed out and neither removed nor given back. */
  readonly inWork = new Set<string>();

  constructor(
    private readonly coordination: Coordination,
    private readonly bucket: number,
    /** Called when there may be something to take. */
    private readonly onArrival: () => void,
  ) {}

  /** True when nothing is known to wait. */
  get idle(): boolean {
    return this.fresh.length === 0 && this.deferred.length === 0;
  }

  /** The oldest waiting name, those given back last. Starts looking for more when there is none. */
  next(): string | undefined {
    if (this.fresh.length === 0) this.look();
    const name = this.fresh.pop() ?? this.deferred.shift();
    if (name !== undefined) this.inWork.add(name);
    return name;
  }

  /** Behind all others. */
  giveBack(name: string): void {
    if (this.inWork.delete(name)) this.deferred.push(name);
  }

  /** Where it was: it could not even be read. */
  giveBackFirst(name: string): void {
    if (this.inWork.delete(name)) this.fresh.push(name);
  }

  removed(name: string): void {
    this.inWork.delete(name);
  }

  close(): void {
    this.generation += 1;
    this.watch?.close();
    this.watch = undefined;
  }

  private look(): void {
    if (this.watch !== undefined) return;
    this.generation += 1;
    const generation = this.generation;
    const watch = this.coordination.watchChildren(itemsPath(this.bucket), (names) => {
      if (generation === this.generation) this.listed(names ?? []);
    });
    // Rejects when the session is closed: the ownership, and this object with it, ends then.
    watch.ready.catch(() => undefined);
    if (generation === this.generation) this.watch = watch;
    else watch.close();
  }

  private listed(names: readonly string[]): void {
    const arrived = names.filter((name) => this.isNew(name)).sort(compareSequence).reverse();
    const newest = arrived[0];
    if (newest === undefined) return;
    if (names.length > WATCHED_NAMES) this.close();
    this.highest = sequenceOf(newest);
    // Taken from the end, where `pop` is cheap: the oldest is last.
    this.fresh = [...arrived, ...this.fresh];
    this.onArrival();
  }

  private isNew(name: string): boolean {
    const sequence = sequenceOf(name);
    if (sequence === undefined) return false;
    return this.highest === undefined || sequenceDifference(sequence, this.highest) > 0;
  }
}
