import { expect } from 'chai';
import { systemClock } from '../../../src/clock';
import { silentLog } from '../../../src/log';
import { createQueueConsumer } from '../../../src/queue/queue-consumer';
import { createQueueProducer } from '../../../src/queue/queue-producer';
import { createQueueTree } from '../../../src/queue/queue-tree';
import { systemRandom } from '../../../src/random';
import { MemoryCoordinationServer } from '../../../src/registry/memory-coordination';

describe('the bound of the queue', () => {
  it('holds back intake only: a consumer that puts back or splits needs no room (schedule 32)', async () => {
    const coordination = new MemoryCoordinationServer({ clock: systemClock }).connect();
    await createQueueTree(coordination, 1);
    const common = { coordination, clock: systemClock, random: systemRandom, log: silentLog };
    const producer = createQueueProducer(common);
    for (let i = 0; i < 50; i += 1) await producer.put([i.toString(16).padStart(24, '0'), 'f'.repeat(24)]);
    const consumer = createQueueConsumer({ ...common, noProgressMs: () => 60_000 });
    await consumer.start(() => undefined);
    const [first, second] = await consumer.take(2, new AbortController().signal);
    if (first === undefined || second === undefined) throw new Error('there are items');
    consumer.putBack([first]);
    expect((await producer.depth()).items, 'putting back writes nothing').to.equal(50);
    await consumer.split(second, second.fileIds.map((id) => [id]));
    expect((await producer.depth()).items).to.equal(51);
    await consumer.close();
    await coordination.close();
  });
});
