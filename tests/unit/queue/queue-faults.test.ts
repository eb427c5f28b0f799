import { expect } from 'chai';
import { systemClock } from '../../../src/clock';
import { UnavailableError } from '../../../src/errors';
import { silentLog } from '../../../src/log';
import { BucketOwner } from '../../../src/queue/bucket-owner';
import { createQueueAdministration } from '../../../src/queue/queue-administration';
import { createQueueConsumer } from '../../../src/queue/queue-consumer';
import { createQueueProducer } from '../../../src/queue/queue-producer';
import { createQueueTree } from '../../../src/queue/queue-tree';
import type { QueueConsumer, TakenItem } from '../../../src/queue/ports';
import { systemRandom } from '../../../src/random';
import { NodeKind } from '../../../src/registry/coordination';
import { MemoryCoordinationServer, type MemoryCoordination } from '../../../src/registry/memory-coordination';
import { eventually } from '../../support/wait';

const BUCKETS = 4;

/** A session whose next operation of a kind takes effect while its answer is lost. */
function forgetful(server: MemoryCoordinationServer) {
  const lose = { what: '', path: '', left: 0 };
  const coordination: MemoryCoordination = server.connect({
    onOperation: (what, path, done) => {
      if (!done || lose.left === 0 || what !== lose.what || !path.includes(lose.path)) return;
      lose.left -= 1;
      coordination.loseConnection();
      coordination.reconnect();
    },
  });
  return { coordination, lose };
}

describe('queue with lost answers', function () {
  this.timeout(20_000);
  let server: MemoryCoordinationServer;
  let control: MemoryCoordination;
  let opened: { queue?: QueueConsumer; coordination: MemoryCoordination }[];

  beforeEach(async () => {
    server = new MemoryCoordinationServer({ clock: systemClock });
    control = server.connect();
    opened = [{ coordination: control }];
    await createQueueTree(control, BUCKETS);
  });

  afterEach(async () => {
    await Promise.all(opened.map(async ({ queue }) => queue?.close()));
    await Promise.all(opened.map(({ coordination }) => coordination.close()));
  });

  const consumerOf = (coordination: MemoryCoordination): QueueConsumer => {
    const queue = createQueueConsumer({
      coordination, clock: systemClock, random: systemRandom, log: silentLog, noProgressMs: () => 60_000,
    });
    opened.push({ queue, coordination });
    return queue;
  };
  const owners = async (): Promise<string[]> => {
    const names = await Promise.all(Array.from({ length: BUCKETS }, (_, i) => control.children(`/Queue/buckets/0${i}`)));
    return names.flat().filter((name) => name.startsWith('owner-'));
  };

  it('is started by a second try when the registry did not answer the first', async () => {
    const coordination = server.connect();
    const queue = consumerOf(coordination);
    coordination.loseConnection();
    const first = queue.start(() => undefined).then(() => 'started', (error: unknown) => error);
    expect(await first).to.be.instanceOf(UnavailableError);
    coordination.reconnect();
    await queue.start(() => undefined);
    await eventually(() => { expect(queue.owned).to.equal(BUCKETS); });
  });

  it('adopts the owner node of a create without an answer (schedule 27)', async () => {
    const { coordination, lose } = forgetful(server);
    Object.assign(lose, { what: 'create', path: 'owner-', left: 2 });
    const queue = consumerOf(coordination);
    await queue.start(() => undefined);
    await eventually(async () => {
      expect(queue.owned).to.equal(BUCKETS);
      expect((await owners()).length).to.equal(BUCKETS);
    });
    expect(lose.left).to.equal(0);
  });

  it('removes the owner node that it no longer wants', async () => {
    const { coordination, lose } = forgetful(server);
    const queue = consumerOf(coordination);
    await queue.start(() => undefined);
    await eventually(() => { expect(queue.owned).to.equal(BUCKETS); });
    Object.assign(lose, { what: 'remove', path: 'owner-', left: 2 });
    await queue.release(60_000);
    await eventually(async () => { expect(await owners()).to.deep.equal([]); });
    expect(queue.owned).to.equal(0);
  });

  for (const late of ['children', 'remove'] as const) {
    it(`knows that a bucket became free while its own ${late === 'remove' ? 'node was removed' : 'listing was under way'}`, async () => {
      const coordination = server.connect();
      opened.push({ coordination });
      const other = await control.create('/Queue/buckets/00/owner-0a-', Buffer.alloc(0), NodeKind.ephemeralSequential);
      if (late === 'remove') {
        await coordination.create('/Queue/buckets/00/owner-0b-', Buffer.alloc(0), NodeKind.ephemeralSequential);
      }
      let answer: () => void = () => undefined;
      const held = new Promise<void>((resolve) => { answer = resolve; });
      let asked = false;
      const call = coordination[late].bind(coordination) as (path: string) => Promise<never>;
      coordination[late] = async (path) => {
        const result = await call(path);
        asked = true;
        await held;
        return result;
      };
      const errors: unknown[] = [];
      const owner = new BucketOwner(coordination, 0, { id: '0b', next: () => '0b01' }, {
        onOwned: () => undefined, onLost: () => undefined, onChange: () => undefined,
        onError: (_, error) => { errors.push(error); },
      });
      await owner.start();
      // A node that is not wanted is removed without being told to.
      const settled = late === 'children' ? owner.settle() : undefined;
      await eventually(() => { expect(asked).to.equal(true); });
      await control.remove(other);
      await eventually(() => { expect(owner.free).to.equal(true); });
      answer();
      await settled;
      await systemClock.sleep(20);
      expect(owner.free).to.equal(true);
      expect(errors).to.deep.equal([]);
      await owner.close();
    });
  }

  it('puts every id at least once', async () => {
    const { coordination, lose } = forgetful(server);
    opened.push({ coordination });
    Object.assign(lose, { what: 'multi', path: '', left: 2 });
    const ids = Array.from({ length: 50 }, (_, i) => i.toString(16).padStart(24, '0'));
    await createQueueProducer({ coordination, clock: systemClock, random: systemRandom }).put(ids);
    const found = (await createQueueAdministration(control).list(1_000)).flatMap((item) => item.fileIds);
    expect([...new Set(found)].sort()).to.deep.equal(ids);
    expect(found.length).to.be.greaterThan(50);
  });

  it('acknowledges again what may be acknowledged already', async () => {
    const { coordination, lose } = forgetful(server);
    const queue = consumerOf(coordination);
    const ids = Array.from({ length: 20 }, (_, i) => i.toString(16).padStart(24, '0'));
    await createQueueProducer({ coordination: control, clock: systemClock, random: systemRandom }).put(ids);
    await queue.start(() => undefined);
    const items: TakenItem[] = [];
    while (items.length < BUCKETS) items.push(...await queue.take(10, AbortSignal.timeout(5_000)));
    Object.assign(lose, { what: 'multi', path: '', left: 1 });
    expect(await queue.acknowledge(items).then(() => 'done', () => 'unknown')).to.equal('unknown');
    await queue.acknowledge(items);
    expect((await createQueueAdministration(control).depth()).items).to.equal(0);
  });

  it('hands out no item while the session is suspended', async () => {
    const { coordination } = forgetful(server);
    const queue = consumerOf(coordination);
    await queue.start(() => undefined);
    await eventually(() => { expect(queue.owned).to.equal(BUCKETS); });
    coordination.loseConnection();
    await createQueueProducer({ coordination: control, clock: systemClock, random: systemRandom }).put(['a'.repeat(24)]);
    expect(await queue.take(1, AbortSignal.timeout(200))).to.deep.equal([]);
    coordination.reconnect();
    expect((await queue.take(1, AbortSignal.timeout(5_000)))[0]?.fileIds).to.deep.equal(['a'.repeat(24)]);
  });
});
