import { ConflictError, FencedError, NotFoundError } from '../errors';
import type { Coordination, MultiOperation } from '../registry/coordination';
import { groupBy } from './group-by';
import { itemPath } from './layout';
import type { TakenItem } from './ports';

/** Items deleted in one multi. */
const MULTI_ITEMS = 100;

/**
 * Deletes items while their fences exist. Items of several buckets share a multi; when that fails each
 * bucket is looked at alone, so that one lost fence does not keep the others' items in the queue.
 * FencedError: at least one fence is gone, its items were not deleted, all others were.
 */
export async function removeFenced(coordination: Coordination, items: readonly TakenItem[]): Promise<void> {
  const chunks = Array.from({ length: Math.ceil(items.length / MULTI_ITEMS) }, (_, i) =>
    items.slice(i * MULTI_ITEMS, (i + 1) * MULTI_ITEMS));
  const results = await Promise.allSettled(chunks.map((chunk) => removeChunk(coordination, chunk)));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

async function removeChunk(coordination: Coordination, items: readonly TakenItem[]): Promise<void> {
  if (await tryMulti(coordination, items)) return;
  const byFence = [...groupBy(items, (item) => item.fence).values()];
  const results = await Promise.allSettled(byFence.map((group) => removeOneBucket(coordination, group)));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

async function removeOneBucket(coordination: Coordination, items: readonly TakenItem[]): Promise<void> {
  // The fence is there but an item is not: an earlier try was done and its answer was lost.
  const stats = await Promise.all(items.map((item) => coordination.exists(itemPath(item.bucket, item.name))));
  const left = items.filter((_, i) => stats[i] !== undefined);
  if (await tryMulti(coordination, left, items[0]?.fence)) return;
  throw new FencedError(`bucket ${items[0]?.bucket ?? ''} is not ours any more: its items were not acknowledged`);
}

/** False when a fence or an item is missing: then nothing was done. */
async function tryMulti(coordination: Coordination, items: readonly TakenItem[], fence?: string): Promise<boolean> {
  const fences = new Set(items.map((item) => item.fence));
  if (fence !== undefined) fences.add(fence);
  const checks = [...fences].map((path): MultiOperation => ({ type: 'check', path }));
  const removes = items.map((item): MultiOperation => ({ type: 'remove', path: itemPath(item.bucket, item.name) }));
  return wasDone(coordination.multi([...checks, ...removes]));
}

/** Resolves to false when a part of the multi did not hold. */
export async function wasDone(multi: Promise<unknown>): Promise<boolean> {
  try {
    await multi;
    return true;
  } catch (error) {
    if (error instanceof ConflictError || error instanceof NotFoundError) return false;
    throw error;
  }
}
