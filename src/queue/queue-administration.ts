import { ConflictError, NotFoundError } from '../errors';
import { faultPoint } from '../fault-points';
import type { Coordination } from '../registry/coordination';
import { paths } from '../registry/paths';
import { compareSequence, deadPath, decodeItem, itemPath, itemsPath } from './layout';
import type { DeadLetter, QueueAdministration, QueueItem } from './ports';
import { readDepth } from './queue-producer';
import { countBuckets } from './queue-tree';

/** Znodes read at once while listing. */
const READS_IN_FLIGHT = 200;

/** What people and the recoverer do with the queue; holds no bucket and needs no fence. */
export function createQueueAdministration(coordination: Coordination): QueueAdministration {
  return {
    depth: async () => readDepth(coordination, await countBuckets(coordination)),
    list: (limit) => listItems(coordination, limit),
    dead: (limit) => listDead(coordination, limit),
    async bury(letter) {
      const data = Buffer.from(JSON.stringify({ reason: letter.reason, atMs: letter.atMs }));
      try {
        await coordination.create(deadPath(letter.fileId), data);
        faultPoint('queue.letter-made');
      } catch (error) {
        if (!(error instanceof ConflictError)) throw error;
        await coordination.set(deadPath(letter.fileId), data);
        faultPoint('queue.letter-changed');
      }
    },
    unbury: (fileId) => coordination.remove(deadPath(fileId)),
  };
}

async function listItems(coordination: Coordination, limit: number): Promise<readonly QueueItem[]> {
  const found: QueueItem[] = [];
  const buckets = await countBuckets(coordination);
  for (let bucket = 0; bucket < buckets && found.length < limit; bucket += 1) {
    const names = [...await childrenOf(coordination, itemsPath(bucket))].sort(compareSequence);
    const wanted = names.slice(0, limit - found.length);
    const contents = await readAll(coordination, wanted.map((name) => itemPath(bucket, name)));
    wanted.forEach((name, i) => {
      const data = contents[i];
      if (data !== undefined) found.push({ name, bucket, fileIds: decodeItem(data) });
    });
  }
  return found;
}

async function listDead(coordination: Coordination, limit: number): Promise<readonly DeadLetter[]> {
  const ids = [...await childrenOf(coordination, paths.queueDead)].sort().slice(0, limit);
  const contents = await readAll(coordination, ids.map(deadPath));
  return ids.flatMap((fileId, i) => {
    const data = contents[i];
    if (data === undefined) return [];
    const { reason, atMs } = JSON.parse(data.toString('utf8')) as { reason: string; atMs: number };
    return [{ fileId, reason, atMs }];
  });
}

async function childrenOf(coordination: Coordination, path: string): Promise<readonly string[]> {
  try {
    return await coordination.children(path);
  } catch (error) {
    if (error instanceof NotFoundError) return [];
    throw error;
  }
}

/** Contents in the order of the paths; undefined for a node that went meanwhile. */
async function readAll(coordination: Coordination, all: readonly string[]): Promise<readonly (Buffer | undefined)[]> {
  const contents: (Buffer | undefined)[] = [];
  for (let i = 0; i < all.length; i += READS_IN_FLIGHT) {
    const part = await Promise.all(all.slice(i, i + READS_IN_FLIGHT).map((path) => coordination.get(path)));
    contents.push(...part.map((content) => content?.data));
  }
  return contents;
}
