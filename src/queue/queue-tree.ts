import { ConflictError, NotFoundError, UnavailableError } from '../errors';
import type { Coordination, MultiOperation } from '../registry/coordination';
import { paths } from '../registry/paths';
import { bucketPath, itemsPath, participantsPath } from './layout';

const EMPTY = Buffer.alloc(0);

/**
 * Makes the queue's part of the tree; part of initialising a cluster, idempotent. All buckets appear in one
 * transaction: a reader never sees a part of them, since their number decides where a file id belongs.
 */
export async function createQueueTree(coordination: Coordination, buckets: number): Promise<void> {
  await coordination.ensure(participantsPath);
  await coordination.ensure(paths.queueDead);
  const operations: MultiOperation[] = [{ type: 'create', path: paths.queueBuckets, data: EMPTY }];
  for (let bucket = 0; bucket < buckets; bucket += 1) {
    operations.push({ type: 'create', path: bucketPath(bucket), data: EMPTY });
    operations.push({ type: 'create', path: itemsPath(bucket), data: EMPTY });
  }
  try {
    await coordination.multi(operations);
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
    // It exists: made before, by somebody else meanwhile, or by our own lost try.
  }
}

/** How many buckets the tree has. UnavailableError before the cluster is initialised. */
export async function countBuckets(coordination: Coordination): Promise<number> {
  try {
    const names = await coordination.children(paths.queueBuckets);
    if (names.length > 0) return names.length;
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
  }
  throw new UnavailableError('the queue is not there yet', { remedy: 'initialise the cluster: resilog init' });
}
