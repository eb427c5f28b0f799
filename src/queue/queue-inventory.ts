import { CorruptionError, NotFoundError } from '../errors';
import type { Coordination } from '../registry/coordination';
import { compareSequence, decodeItem, itemPath, itemsPath } from './layout';
import { countBuckets } from './queue-tree';

/** An item as it lies in the queue; without ids when it can't be read. */
export interface InventoryItem {
  readonly bucket: number;
  readonly name: string;
  readonly fileIds: readonly string[] | undefined;
}

/** Reads the queue whole, for who compares it with the files; holds no bucket and changes nothing. */
export interface QueueInventory {
  buckets(): Promise<number>;
  /** The items of a bucket, a few hundred at a time. One that is taken away meanwhile is left out. */
  items(bucket: number): AsyncIterable<readonly InventoryItem[]>;
  /** Undefined: it is not there any more. */
  item(bucket: number, name: string): Promise<InventoryItem | undefined>;
}

const READS_IN_FLIGHT = 200;

export function createQueueInventory(coordination: Coordination): QueueInventory {
  const item = async (bucket: number, name: string): Promise<InventoryItem | undefined> => {
    const content = await coordination.get(itemPath(bucket, name));
    return content === undefined ? undefined : { bucket, name, fileIds: idsOf(content.data) };
  };
  return {
    buckets: () => countBuckets(coordination),
    item,
    async* items(bucket) {
      const names = [...await namesOf(coordination, bucket)].sort(compareSequence);
      for (let at = 0; at < names.length; at += READS_IN_FLIGHT) {
        const read = await Promise.all(names.slice(at, at + READS_IN_FLIGHT).map((name) => item(bucket, name)));
        yield read.filter((one) => one !== undefined);
      }
    },
  };
}

async function namesOf(coordination: Coordination, bucket: number): Promise<readonly string[]> {
  try {
    return await coordination.children(itemsPath(bucket));
  } catch (error) {
    if (error instanceof NotFoundError) return [];
    throw error;
  }
}

function idsOf(data: Buffer): readonly string[] | undefined {
  try {
    return decodeItem(data);
  } catch (error) {
    if (error instanceof CorruptionError) return undefined;
    throw error;
  }
}
