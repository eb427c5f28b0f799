import { systemClock } from '../src/clock';
import { silentLog } from '../src/log';
import { createQueueConsumer } from '../src/queue/queue-consumer';
import { createItem, createQueueProducer } from '../src/queue/queue-producer';
import { createQueueTree } from '../src/queue/queue-tree';
import { bucketOf } from '../src/queue/layout';
import { randomHex, systemRandom } from '../src/random';
import { connectZooKeeper } from '../src/registry/zookeeper-coordination';

/** Items in one multi, for puts and acknowledgements alike; one file id an item. */
const MULTI_ITEMS = 10;
const IN_FLIGHT = 32;
const BUCKETS = 64;

/**
 * Items a second from put to acknowledgement, at rising backlogs, against one ZooKeeper address:
 * `ts-node benchmarks/queue.ts HOST PORT [BACKLOG …]`. One line of JSON a backlog.
 */
async function main(host: string, port: number, backlogs: readonly number[]): Promise<void> {
  const common = { clock: systemClock, random: systemRandom, log: silentLog };
  const chroot = `/bench-${randomHex(systemRandom, 6)}`;
  const connect = () => connectZooKeeper({ ...common, servers: [{ host, port }], chroot });
  const [producing, consuming] = [connect(), connect()];
  await createQueueTree(producing, BUCKETS);
  const queue = createQueueConsumer({ ...common, coordination: consuming, noProgressMs: () => 600_000 });
  await queue.start(() => undefined);
  while (queue.owned < BUCKETS) await systemClock.sleep(50);

  const put = async (count: number): Promise<void> => {
    let left = Math.ceil(count / MULTI_ITEMS);
    const worker = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        const ids = Array.from({ length: MULTI_ITEMS }, () => randomHex(systemRandom, 12));
        await producing.multi(ids.map((id) => createItem(bucketOf(id, BUCKETS), [id])));
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  };
  const takeAll = async (count: number): Promise<void> => {
    let left = count;
    const worker = async (): Promise<void> => {
      while (left > 0) {
        left -= MULTI_ITEMS;
        let got = 0;
        while (got < MULTI_ITEMS) {
          const items = await queue.take(MULTI_ITEMS - got, AbortSignal.timeout(20_000));
          if (items.length === 0) throw new Error('the queue ran dry');
          got += items.length;
          await queue.acknowledge(items);
        }
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  };

  const sample = 6_000;
  let waiting = 0;
  for (const backlog of backlogs) {
    if (backlog > waiting) await put(backlog - waiting);
    waiting = Math.max(backlog, waiting);
    const started = systemClock.monotonic();
    await Promise.all([put(sample), takeAll(sample)]);
    const seconds = (systemClock.monotonic() - started) / 1_000;
    const { items } = await createQueueProducer({ ...common, coordination: producing }).depth();
    process.stdout.write(`${JSON.stringify({
      figure: 'queue', backlog, items: sample, itemsPerMulti: MULTI_ITEMS,
      itemsPerSecond: Math.round(sample / seconds), depth: items,
    })}\n`);
  }
  await takeAll(waiting);
  await queue.close();
  await producing.removeTree('/');
  await Promise.all([producing.close(), consuming.close()]);
}

const [host = '::1', port = '2181', ...backlogs] = process.argv.slice(2);
void main(host, Number(port), backlogs.length > 0 ? backlogs.map(Number) : [0, 10_000, 100_000]);
