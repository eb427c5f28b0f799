import { expect } from 'chai';
import { silentLog } from '../../../src/log';
import { createDeletionRunner } from '../../../src/retention/runner';
import { settle } from '../../support/manual-clock';
import { COLLECTION, DeletionWorld, HORIZON_MS, SETTLE_MS } from './deletion-world';

const A = 'a'.repeat(24);

async function makeWorld(): Promise<DeletionWorld> {
  const world = new DeletionWorld();
  await world.index.prepare(COLLECTION);
  await world.close({ id: A, lines: ['noise', 'signal'], receivedMs: world.clock.now() });
  await world.finishIndexing(A);
  return world;
}

describe('deletion runner', () => {
  it('runs pending requests until they are done, then leaves them alone', async () => {
    const world = await makeWorld();
    const request = await world.request({ text: 'noise' });
    const runner = createDeletionRunner({
      dependencies: world.dependencies, clock: world.clock, log: silentLog,
      exclusively: (work) => work(new AbortController().signal),
    });
    runner.start();
    for (let elapsed = 0; elapsed <= HORIZON_MS + 2 * SETTLE_MS; elapsed += 5_000) {
      await settle();
      await settle();
      await world.clock.advance(5_000);
    }
    expect((await world.volume.deletions.get(request.id))?.state).to.equal('done');
    expect(await world.ids()).to.deep.equal([`${A}!1`]);
    await runner.close();
    await runner.close();
  });

  it('goes on with the other requests when one fails, and with the next round when the lock is not had', async () => {
    const world = await makeWorld();
    const request = await world.request({ text: 'noise' });
    await world.volume.deletions.create({ ...request, id: '0', query: { text: '(' }, throughMs: 0 });
    let free = false;
    const runner = createDeletionRunner({
      dependencies: world.dependencies, clock: world.clock, log: silentLog,
      exclusively: async (work) => {
        if (!free) throw new Error('somebody else is at it');
        await work(new AbortController().signal);
      },
    });
    await runner.round();
    expect((await world.volume.deletions.get(request.id))?.lines).to.equal(0);
    free = true;
    await runner.round();
    expect((await world.volume.deletions.get(request.id))?.lines).to.equal(1);
    await runner.close();
  });
});
