import type { IndexDocument } from '../index/ports';

/** Documents of one slice that wait to be sent, with what to tell when they were. */
export interface Entry<T> {
  readonly collection: string;
  readonly documents: readonly IndexDocument[];
  /** Estimated bytes in a request. */
  readonly bytes: number;
  /** Monotonic ms. */
  readonly since: number;
  readonly ticket: T;
}

export interface BatchBounds {
  readonly maxDocuments: number;
  readonly maxBytes: number;
  /** A batch that is not full waits at most this long for more. */
  readonly lingerMs: number;
}

/**
 * Joins slices of several files to batches of one collection each, in order of arrival. A slice is never cut: readers
 * make slices well below a batch; one that is larger goes alone.
 */
export class Batcher<T> {
  private readonly waiting = new Map<string, Entry<T>[]>();

  add(entry: Entry<T>): void {
    const entries = this.waiting.get(entry.collection);
    if (entries === undefined) this.waiting.set(entry.collection, [entry]);
    else entries.push(entry);
  }

  /** False when it does not wait any more. */
  remove(entry: Entry<T>): boolean {
    const entries = this.waiting.get(entry.collection) ?? [];
    const place = entries.indexOf(entry);
    if (place < 0) return false;
    entries.splice(place, 1);
    if (entries.length === 0) this.waiting.delete(entry.collection);
    return true;
  }

  /** A batch that is full or has waited long enough; undefined when there is none yet. */
  next(now: number, bounds: BatchBounds): readonly Entry<T>[] | undefined {
    for (const [collection, entries] of this.waiting) {
      const count = fitting(entries, bounds);
      const oldest = entries[0];
      const due = oldest !== undefined && now - oldest.since >= bounds.lingerMs;
      if (count === entries.length && !due && !isFull(entries, bounds)) continue;
      const batch = entries.splice(0, count);
      if (entries.length === 0) this.waiting.delete(collection);
      return batch;
    }
    return undefined;
  }

  /** When (monotonic) the oldest waiting slice is due; undefined when none waits. */
  due(bounds: BatchBounds): number | undefined {
    const starts = [...this.waiting.values()].flatMap((entries) => entries[0]?.since ?? []);
    return starts.length === 0 ? undefined : Math.min(...starts) + bounds.lingerMs;
  }
}

/** How many of the first entries make one batch; at least one. */
function fitting(entries: readonly Entry<unknown>[], bounds: BatchBounds): number {
  let documents = 0;
  let bytes = 0;
  for (const [i, entry] of entries.entries()) {
    documents += entry.documents.length;
    bytes += entry.bytes;
    if (i > 0 && (documents > bounds.maxDocuments || bytes > bounds.maxBytes)) return i;
  }
  return entries.length;
}

function isFull(entries: readonly Entry<unknown>[], bounds: BatchBounds): boolean {
  const documents = entries.reduce((sum, entry) => sum + entry.documents.length, 0);
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
  return documents >= bounds.maxDocuments || bytes >= bounds.maxBytes;
}
