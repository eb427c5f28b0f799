import { expect } from 'chai';
import { systemClock } from '../../../src/clock';
import { FencedError, UnknownOutcomeError } from '../../../src/errors';
import { limits } from '../../../src/limits';
import { silentLog } from '../../../src/log';
import { randomHex, systemRandom } from '../../../src/random';
import type { QueueConsumer, TakenItem } from '../../../src/queue/ports';
import { createQueueAdministration } from '../../../src/queue/queue-administration';
import { createQueueConsumer } from '../../../src/queue/queue-consumer';
import { createQueueProducer } from '../../../src/queue/queue-producer';
import { createQueueTree } from '../../../src/queue/queue-tree';
import type { Coordination } from '../../../src/registry/coordination';
import { eventually } from '../../support/wait';

/** One process's session with handles to break it. */
export interface QueueTestSession {
  readonly coordination: Coordination;
  expireSession(): Promise<void>;
}

export interface QueueTestServer {
  connect(): Promise<QueueTestSession>;
  close(): Promise<void>;
}

const BUCKETS = 16;
const fileId = (): string => randomHex(systemRandom, 12);
const fileIds = (count: number): string[] => Array.from({ length: count }, fileId);

interface Member extends QueueTestSession {
  readonly queue: QueueConsumer;
  readonly lost: string[];
}

/** What every implementation of the queue does, whatever carries its tree. */
export function queueSuite(name: string, open: () => Promise<QueueTestServer>): void {
  describe(`queue over ${name}`, function () {
    this.timeout(30_000);
    let server: QueueTestServer;
    let members: Member[];
    let control: Coordination;

    beforeEach(async () => {
      server = await open();
      members = [];
      ({ coordination: control } = await server.connect());
      await createQueueTree(control, BUCKETS);
    });

    afterEach(async () => {
      await Promise.all(members.map((member) => member.queue.close()));
      await server.close();
    });

    const join = async (noProgressMs = 60_000): Promise<Member> => {
      const session = await server.connect();
      const queue = createQueueConsumer({
        coordination: session.coordination, clock: systemClock, random: systemRandom, log: silentLog,
        noProgressMs: () => noProgressMs, drainMs: 1_000,
      });
      const lost: string[] = [];
      await queue.start((fence) => lost.push(fence));
      const member = { ...session, queue, lost };
      members.push(member);
      return member;
    };
    const producer = () => createQueueProducer({ coordination: control, clock: systemClock, random: systemRandom });
    const administration = () => createQueueAdministration(control);
    const balanced = (expected: readonly number[]): Promise<void> => eventually(() => {
      expect(members.map((member) => member.queue.owned).sort()).to.deep.equal([...expected].sort());
    });

    it('gives every id that was put, and none after it was acknowledged', async () => {
      const ids = fileIds(500);
      await producer().put(ids);
      expect((await producer().depth()).items).to.equal(BUCKETS);
      const member = await join();
      const items = await takeIds(member.queue, 500);
      expect(items.flatMap((item) => item.fileIds).sort()).to.deep.equal([...ids].sort());
      await member.queue.acknowledge(items);
      expect(await producer().depth()).to.deep.equal({ items: 0, dead: 0 });
      expect(await takeFor(member.queue, 100)).to.deep.equal([]);
    });

    it('keeps the order within a bucket and bounds the ids of an item', async () => {
      const ids = fileIds(BUCKETS * limits.queueItemFiles + 2_000);
      await producer().put(ids);
      const items = await administration().list(10_000);
      expect(Math.max(...items.map((item) => item.fileIds.length))).to.be.at.most(limits.queueItemFiles);
      const member = await join();
      const order = new Map(ids.map((id, index) => [id, index]));
      const last = new Map<number, number>();
      for (const item of await takeIds(member.queue, ids.length)) {
        for (const id of item.fileIds) {
          const index = order.get(id) ?? -1;
          expect(index).to.be.greaterThan(last.get(item.bucket) ?? -1);
          last.set(item.bucket, index);
        }
      }
    });

    it('wakes a waiting take when something is put', async () => {
      const member = await join();
      await balanced([BUCKETS]);
      const taking = member.queue.take(1, AbortSignal.timeout(5_000));
      const id = fileId();
      await producer().put([id]);
      expect((await taking)[0]?.fileIds).to.deep.equal([id]);
    });

    it('shares buckets out evenly as consumers come and go', async () => {
      await join();
      await balanced([16]);
      await join();
      await balanced([8, 8]);
      const third = await join();
      await balanced([5, 5, 6]);
      await third.queue.close();
      members = members.filter((member) => member !== third);
      await balanced([8, 8]);
    });

    it('returns the items of a consumer whose session expired, and fences its acknowledgement', async () => {
      const ids = fileIds(64);
      await producer().put(ids);
      const first = await join();
      const held = await takeIds(first.queue, 64);
      const second = await join();
      await first.expireSession();
      await eventually(() => { expect(first.lost.length).to.be.at.least(held.length); });
      const error = await first.queue.acknowledge(held).then(() => undefined, (reason: unknown) => reason);
      expect(error).to.be.instanceOf(FencedError);
      const again = new Set<string>();
      await eventually(async () => {
        for (const { queue } of [first, second]) {
          for (const item of await takeFor(queue, 50)) item.fileIds.forEach((id) => again.add(id));
        }
        expect(again.size).to.equal(64);
      });
      await balanced([8, 8]);
    });

    it('refuses an acknowledgement whose fence is gone although the consumer does not know it yet', async () => {
      await producer().put(fileIds(32));
      const member = await join();
      const items = await takeIds(member.queue, 32);
      const lost = items[0];
      if (lost === undefined) throw new Error('nothing was taken');
      // Behind its back, as when another took over: the node is removed and the news not yet read.
      const removal = control.remove(lost.fence);
      const acknowledgement = removal.then(() => member.queue.acknowledge(items));
      expect(await acknowledgement.then(() => undefined, (reason: unknown) => reason)).to.be.instanceOf(FencedError);
      const left = (await administration().list(100)).filter((item) => item.bucket === lost.bucket);
      expect(left.length).to.equal(1);
      expect((await producer().depth()).items).to.equal(1);
    });

    it('gives an item that was put back again, after the others of its bucket', async () => {
      const bucketIds = await idsOfOneBucket(control, 3);
      for (const id of bucketIds) await producer().put([id]);
      const member = await join();
      const [first] = await member.queue.take(1, AbortSignal.timeout(5_000));
      if (first === undefined) throw new Error('nothing was taken');
      member.queue.putBack([first]);
      const rest = await takeIds(member.queue, 3);
      expect(rest.map((item) => item.fileIds[0])).to.deep.equal([bucketIds[1], bucketIds[2], bucketIds[0]]);
    });

    it('splits an item into groups', async () => {
      const ids = await idsOfOneBucket(control, 5);
      await producer().put(ids);
      const member = await join();
      const [item] = await takeIds(member.queue, 5);
      if (item === undefined) throw new Error('nothing was taken');
      await member.queue.split(item, [ids.slice(0, 2), ids.slice(2, 4)]);
      const parts = await takeIds(member.queue, 4);
      expect(parts.map((part) => part.fileIds)).to.deep.equal([ids.slice(0, 2), ids.slice(2, 4)]);
      await member.queue.acknowledge(parts);
      expect((await producer().depth()).items).to.equal(0);
      const error = await member.queue.split(item, [ids]).then(() => undefined, (reason: unknown) => reason);
      expect(error).to.be.instanceOf(FencedError);
    });

    it('leaves its buckets to others while it is released, and comes back (schedule 28)', async () => {
      const first = await join();
      await join();
      await balanced([8, 8]);
      await first.queue.release(1_500);
      expect(first.queue.owned).to.equal(0);
      await balanced([0, 16]);
      await balanced([8, 8]);
    });

    it('takes the buckets from a worker without progress (schedule 28)', async () => {
      await producer().put(fileIds(64));
      const hung = await join(1_000);
      await takeIds(hung.queue, 64);
      const other = await join();
      await eventually(() => { expect(other.queue.owned).to.equal(16); });
      expect((await takeIds(other.queue, 64)).flatMap((item) => item.fileIds).length).to.equal(64);
    });

    it('loses nothing while consumers come and go', async () => {
      const ids = fileIds(400);
      const done = new Map<string, number>();
      const unknown = new Set<string>();
      const refused: unknown[] = [];
      const stop = new AbortController();
      const work = async (queue: QueueConsumer): Promise<void> => {
        while (!stop.signal.aborted) {
          const items = await queue.take(4, stop.signal);
          const taken = items.flatMap((item) => item.fileIds);
          await systemClock.sleep(5);
          await queue.acknowledge(items).then(
            () => { for (const id of taken) done.set(id, (done.get(id) ?? 0) + 1); },
            (reason: unknown) => {
              // The session may end after the server has removed the items and before it has answered.
              if (reason instanceof UnknownOutcomeError) for (const id of taken) unknown.add(id);
              else if (!(reason instanceof FencedError)) refused.push(reason);
              queue.putBack(items);
            },
          );
        }
      };
      const first = await join();
      const workers = [work(first.queue), work(first.queue), work((await join()).queue)];
      await Promise.all(ids.map((id) => producer().put([id])));
      workers.push(work((await join()).queue));
      await first.expireSession();
      await eventually(async () => { expect((await producer().depth()).items).to.equal(0); }, 15_000);
      stop.abort();
      await Promise.all(workers);
      expect(ids.filter((id) => !done.has(id) && !unknown.has(id))).to.deep.equal([]);
      expect([...done.values()].every((count) => count === 1)).to.equal(true);
      expect(unknown.size).to.be.at.most(8);
      expect(refused).to.deep.equal([]);
    });

    it('keeps dead letters', async () => {
      const [a = '', b = ''] = fileIds(2).sort();
      await administration().bury({ fileId: a, reason: 'first', atMs: 1 });
      await administration().bury({ fileId: a, reason: 'again', atMs: 2 });
      await administration().bury({ fileId: b, reason: 'ünlucky', atMs: 3 });
      expect(await administration().dead(10)).to.deep.equal([
        { fileId: a, reason: 'again', atMs: 2 }, { fileId: b, reason: 'ünlucky', atMs: 3 },
      ]);
      expect((await producer().depth()).dead).to.equal(2);
      await administration().unbury(a);
      await administration().unbury(a);
      expect((await administration().depth()).dead).to.equal(1);
    });

    it('discards an item that nobody can read', async () => {
      const path = await control.create('/Queue/buckets/03/items/item-', Buffer.from('{"format":1,"files":[7]}'), 'persistent-sequential');
      const id = fileId();
      const member = await join();
      await balanced([16]);
      await producer().put([id]);
      expect((await takeIds(member.queue, 1))[0]?.fileIds).to.deep.equal([id]);
      await eventually(async () => {
        // Whoever takes discards, and the bucket of this item may be listed after the other one was taken.
        expect(await takeFor(member.queue, 50)).to.deep.equal([]);
        expect(await control.exists(path)).to.equal(undefined);
      });
    });

    it('is made once and keeps its number of buckets', async () => {
      await createQueueTree(control, 3);
      expect((await control.children('/Queue/buckets')).length).to.equal(BUCKETS);
    });
  });
}

/** Takes until the items hold `count` ids. */
async function takeIds(queue: QueueConsumer, count: number): Promise<TakenItem[]> {
  const items: TakenItem[] = [];
  const signal = AbortSignal.timeout(10_000);
  while (items.reduce((sum, item) => sum + item.fileIds.length, 0) < count) {
    const taken = await queue.take(50, signal);
    if (taken.length === 0) throw new Error(`only ${items.length} items came, not ${count} ids`);
    items.push(...taken);
  }
  return items;
}

async function takeFor(queue: QueueConsumer, timeoutMs: number): Promise<readonly TakenItem[]> {
  return queue.take(100, AbortSignal.timeout(timeoutMs));
}

async function idsOfOneBucket(control: Coordination, count: number): Promise<string[]> {
  const { bucketOf } = await import('../../../src/queue/layout');
  const buckets = (await control.children('/Queue/buckets')).length;
  const ids: string[] = [];
  while (ids.length < count) {
    const id = fileId();
    if (bucketOf(id, buckets) === 5) ids.push(id);
  }
  return ids;
}
