/**
 * The queue of files: `ts-node benchmarks/queue.ts [ROUNDS]`. From put to acknowledgement, on three members of
 * ZooKeeper, with more and more that waits already: items of one file id, at most ten in a multi; items as producers
 * make them, of many ids; and the classic reliable queue, whose cost grows with what waits. In turns, one line of JSON
 * a figure, and a table in the end.
 */
import { systemClock } from '../src/clock';
import { messageOf } from '../src/errors';
import { silentLog } from '../src/log';
import { bucketOf } from '../src/queue/layout';
import { createQueueConsumer } from '../src/queue/queue-consumer';
import { createItem, createQueueProducer } from '../src/queue/queue-producer';
import { createQueueTree } from '../src/queue/queue-tree';
import { randomHex, systemRandom } from '../src/random';
import type { Coordination } from '../src/registry/coordination';
import { connectZooKeeper } from '../src/registry/zookeeper-coordination';
import { ClassicQueue } from './support/classic-queue';
import { Figures, type Round } from './support/figures';
import { cpuSecondsOf } from './support/processes';
import { startEnsemble } from './support/zookeeper-ensemble';

/** Items in one multi, for puts and acknowledgements alike. */
const MULTI_ITEMS = 10;
const IN_FLIGHT = 32;
const BUCKETS = 64;
const BACKLOGS = [100, 1_000, 10_000, 100_000] as const;
const ITEMS = 6_000;
/** Ids of one put by a producer that closes many files at once. */
const GROUP_IDS = 12_800;
const GROUPED_IDS = 128_000;
const CLASSIC_ITEMS = 200;
const GROUPED_IN_FLIGHT = 4;
const CLASSIC = 'classic reliable queue';
const CLASSIC_IN_FLIGHT = 8;
const WARM_TURNS = 3;

const common = { clock: systemClock, random: systemRandom, log: silentLog };

function newIds(count: number): string[] {
  return Array.from({ length: count }, () => randomHex(systemRandom, 12));
}

/** Calls `work` for all of `count`, `step` at a time, several at once. */
async function inParallel(
  count: number, step: number, workers: number, work: (some: number) => Promise<void>,
): Promise<void> {
  let left = count;
  await Promise.all(Array.from({ length: workers }, async () => {
    while (left > 0) {
      const some = Math.min(step, left);
      left -= some;
      await work(some);
    }
  }));
}

interface Contestant {
  readonly name: string;
  readonly unit: string;
  readonly amount: number;
  /** Puts so many, to wait. */
  readonly fill: (count: number) => Promise<void>;
  /** Puts and takes so many at once; gives how many more were taken, since who takes several may take too many. */
  readonly run: (amount: number) => Promise<number>;
  readonly close: () => Promise<void>;
}

/** A connection of its own each time. */
type Connect = () => Coordination;

interface Queue {
  readonly producing: Coordination;
  /** Resolves when so many ids were taken and acknowledged, with how many more were. */
  readonly take: (ids: number) => Promise<number>;
  readonly close: () => Promise<void>;
}

async function queueOf(connect: Connect): Promise<Queue> {
  const producing = connect();
  await createQueueTree(producing, BUCKETS);
  const queue = createQueueConsumer({ ...common, coordination: connect(), noProgressMs: () => 600_000 });
  await queue.start(() => undefined);
  while (queue.owned < BUCKETS) await systemClock.sleep(50);
  const take = async (ids: number): Promise<number> => {
    let left = ids;
    const enough = new AbortController();
    await Promise.all(Array.from({ length: IN_FLIGHT }, async () => {
      while (left > 0) {
        const items = await queue.take(MULTI_ITEMS, AbortSignal.any([enough.signal, AbortSignal.timeout(20_000)]));
        if (items.length === 0 && left > 0) throw new Error('the queue ran dry');
        left -= items.reduce((sum, { fileIds }) => sum + fileIds.length, 0);
        if (left <= 0) enough.abort();
        await queue.acknowledge(items);
      }
    }));
    return -left;
  };
  return { producing, take, close: () => queue.close() };
}

async function single(connect: Connect): Promise<Contestant> {
  const { producing, take, close } = await queueOf(connect);
  const fill = (count: number): Promise<void> => inParallel(count, MULTI_ITEMS, IN_FLIGHT, async (some) => {
    await producing.multi(newIds(some).map((id) => createItem(bucketOf(id, BUCKETS), [id])));
  });
  return {
    name: 'one file id an item', unit: 'items/s', amount: ITEMS, fill, close,
    run: async (amount) => (await Promise.all([take(amount), fill(amount)]))[0],
  };
}

async function grouped(connect: Connect): Promise<Contestant> {
  const { producing, take, close } = await queueOf(connect);
  const producer = createQueueProducer({ ...common, coordination: producing });
  const fill = (count: number): Promise<void> => (
    inParallel(count, GROUP_IDS, GROUPED_IN_FLIGHT, (some) => producer.put(newIds(some))));
  return {
    name: 'grouped, up to 200 ids an item', unit: 'ids/s', amount: GROUPED_IDS, fill, close,
    run: async (amount) => (await Promise.all([take(amount), fill(amount)]))[0],
  };
}

async function classic(connect: Connect): Promise<Contestant> {
  const queue = new ClassicQueue(connect());
  await queue.prepare();
  const put = (count: number, workers: number): Promise<void> => (
    inParallel(count, MULTI_ITEMS, workers, (some) => queue.put(newIds(some))));
  return {
    name: CLASSIC, unit: 'items/s', amount: CLASSIC_ITEMS, fill: (count) => put(count, IN_FLIGHT), close: async () => undefined,
    run: async (amount) => {
      const taken = inParallel(amount, 1, CLASSIC_IN_FLIGHT, async () => { while (!await queue.takeOne()); });
      await Promise.all([put(amount, CLASSIC_IN_FLIGHT), taken]);
      return 0;
    },
  };
}

async function measure(
  { run, fill, amount }: Contestant, rounds: number, pids: readonly number[],
): Promise<readonly Round[]> {
  const measured: Round[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const cpuSeconds = cpuSecondsOf(pids);
    const startedMs = performance.now();
    const more = await run(amount);
    const seconds = (performance.now() - startedMs) / 1_000;
    measured.push({ value: (amount + more) / seconds, cpuSeconds: cpuSecondsOf(pids) - cpuSeconds });
    await fill(more);
  }
  return measured;
}

async function main(rounds: number): Promise<void> {
  const figures = new Figures('queue');
  const { servers, pids, close } = await startEnsemble();
  const connections: Coordination[] = [];
  const connector = (name: string): Connect => () => {
    const connection = connectZooKeeper({ ...common, servers, chroot: `/${name}` });
    connections.push(connection);
    return connection;
  };
  const contestants: Contestant[] = [];
  try {
    contestants.push(await classic(connector('classic')));
    contestants.push(await single(connector('single')), await grouped(connector('grouped')));
    // Servers and program compile what they run.
    for (const { amount, run, fill } of contestants) {
      for (let turn = 0; turn < WARM_TURNS; turn += 1) await fill(await run(amount));
    }
    const failed = new Set<Contestant>();
    let before = 0;
    for (const backlog of BACKLOGS) {
      for (const contestant of contestants.filter((candidate) => !failed.has(candidate))) {
        const { name, unit, fill } = contestant;
        try {
          await fill(backlog - before);
          const measured = await measure(contestant, rounds, [process.pid, ...pids]);
          const peer = name === CLASSIC || unit !== 'items/s' ? undefined : `${CLASSIC}, ${backlog} wait`;
          figures.add(`${name}, ${backlog} wait`, unit, measured, peer);
        } catch (error) {
          failed.add(contestant);
          process.stderr.write(`${name}, with ${backlog} that wait: ${messageOf(error)}\n`);
        }
      }
      before = backlog;
    }
  } finally {
    await Promise.all(contestants.map((contestant) => contestant.close()));
    await Promise.all(connections.map((connection) => connection.close()));
    await close();
  }
  figures.printTable();
}

void main(Number(process.argv[2] ?? 3));
