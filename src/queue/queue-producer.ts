import type { Clock } from '../clock';
import { faultPoint } from '../fault-points';
import { limits } from '../limits';
import type { Random } from '../random';
import { retry } from '../retry';
import { NodeKind, type Coordination, type MultiOperation } from '../registry/coordination';
import { paths } from '../registry/paths';
import { groupBy } from './group-by';
import { bucketOf, encodeItem, itemsPath } from './layout';
import type { QueueDepth, QueueProducer } from './ports';
import { countBuckets } from './queue-tree';

/** Items in one multi: 100 items of 200 ids stay below the packet limit, with room. */
const MULTI_ITEMS = 100;
const ATTEMPTS = 4;

export interface QueueProducerOptions {
  readonly coordination: Coordination;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Puts file ids into the queue. A put whose outcome is unknown is tried again: an id that is in the queue twice
 * does no harm, since the state document decides whether a file is still to be indexed.
 */
export function createQueueProducer(options: QueueProducerOptions): QueueProducer {
  const { coordination } = options;
  let buckets: number | undefined;
  const bucketCount = async (): Promise<number> => (buckets ??= await countBuckets(coordination));
  return {
    async put(fileIds) {
      if (fileIds.length === 0) return;
      const multis = multisOf(fileIds, await bucketCount());
      const tries = { ...options, attempts: ATTEMPTS };
      await Promise.all(multis.map(async (multi) => {
        await retry(() => coordination.multi(multi), tries);
        faultPoint('queue.items-put');
      }));
    },
    depth: async () => readDepth(coordination, await bucketCount()),
  };
}

/** Creates of items, in multis of at most MULTI_ITEMS; the order of ids within a bucket is kept. */
export function multisOf(fileIds: readonly string[], buckets: number): readonly (readonly MultiOperation[])[] {
  const byBucket = groupBy(new Set(fileIds), (id) => bucketOf(id, buckets));
  const creates = [...byBucket].flatMap(([bucket, ids]) =>
    chunksOf(ids, limits.queueItemFiles).map((chunk) => createItem(bucket, chunk)));
  return chunksOf(creates, MULTI_ITEMS);
}

export function createItem(bucket: number, fileIds: readonly string[]): MultiOperation {
  return {
    type: 'create', path: `${itemsPath(bucket)}/item-`, data: encodeItem(fileIds), kind: NodeKind.persistentSequential,
  };
}

export async function readDepth(coordination: Coordination, buckets: number): Promise<QueueDepth> {
  const all = Array.from({ length: buckets }, (_, bucket) => coordination.exists(itemsPath(bucket)));
  const [dead, ...items] = await Promise.all([coordination.exists(paths.queueDead), ...all]);
  return { items: items.reduce((sum, stat) => sum + (stat?.childCount ?? 0), 0), dead: dead?.childCount ?? 0 };
}

function chunksOf<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));
}
