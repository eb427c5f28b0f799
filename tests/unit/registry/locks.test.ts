import { expect } from 'chai';
import { acquireLock } from '../../../src/registry/locks';
import { MemoryCoordinationServer, type MemoryCoordination } from '../../../src/registry/memory-coordination';
import { paths } from '../../../src/registry/paths';
import { ManualClock, settle } from '../../support/manual-clock';
import { seededRandom } from '../producer/harness';

const folder = `${paths.locks}/work`;

/** A lock that another process holds, and one that will be asked for by a client whose connection may be broken. */
async function setUp(): Promise<{
  clock: ManualClock; server: MemoryCoordinationServer; other: MemoryCoordination;
  connect: (onOperation?: (what: string, path: string, done: boolean) => void | Promise<void>) => MemoryCoordination;
  nodes: () => Promise<number>;
}> {
  const clock = new ManualClock();
  const server = new MemoryCoordinationServer({ clock, sessionTimeoutMs: 8_000 });
  const other = server.connect();
  await other.ensure(folder);
  return {
    clock, server, other,
    connect: (onOperation) => server.connect(onOperation === undefined ? {} : { onOperation }),
    nodes: async () => (await other.children(folder)).length,
  };
}

describe('locks, a node of ours that nobody knows of', () => {
  it('goes when the session changed while it was being made', async () => {
    const { clock, other, connect, nodes } = await setUp();
    const options = { clock, random: seededRandom(1) };
    const held = await acquireLock(other, 'work', options);
    const client = connect();
    await settle();
    client.loseConnection();
    await clock.advance(9_000);
    const asked = acquireLock(client, 'work', { ...options, random: seededRandom(2), waitMs: 1_000 })
      .catch((error: unknown) => error);
    client.reconnect();
    await clock.advance(2_000);
    expect(await asked).to.be.instanceOf(Error).with.property('message').that.includes('is held by another process');
    expect(await nodes()).to.equal(1);
    await held.release();
    expect(await nodes()).to.equal(0);
  });

  for (const [when, expected] of [['before', 'ours'], ['after', 'a second one']] as const) {
    it(`is ${expected} when its attempt without an answer is done ${when} the next one`, async () => {
      const { clock, connect, nodes, other } = await setUp();
      const attempts: (() => void)[] = [];
      const client = connect((what, path, done) => (
        what !== 'create' || !path.startsWith(folder) || done || attempts.length === 2 ? undefined
          : new Promise<void>((resolve) => { attempts.push(resolve); })));
      await settle();
      const asked = acquireLock(client, 'work', { clock, random: seededRandom(5) });
      await clock.advance(5_000);
      expect(attempts.length, 'the first had no answer in time, and nothing was found of it').to.equal(2);
      for (const attempt of when === 'before' ? attempts : [...attempts].reverse()) {
        attempt();
        await settle();
      }
      await clock.advance(100);
      const lock = await asked;
      expect(await nodes()).to.equal(2);
      await lock.release();
      await clock.advance(1_000);
      expect(await nodes(), 'none is left').to.equal(0);
      const next = await acquireLock(other, 'work', { clock, random: seededRandom(6) });
      await next.release();
    });
  }

  it('is asked for again when the first lock of its name had no answer, and so made not even the folder', async () => {
    const { clock, server } = await setUp();
    let lost = 0;
    const client = server.connect({ onOperation: (what, path, done) => {
      if (what !== 'create' || !path.startsWith(`${paths.locks}/first/`) || done || lost > 0) return undefined;
      lost += 1;
      return new Promise<void>(() => undefined);
    } });
    await settle();
    const asked = acquireLock(client, 'first', { clock, random: seededRandom(7) });
    await clock.advance(10_000);
    const lock = await asked;
    expect(lost).to.equal(1);
    await lock.release();
  });

  it('goes when the connection broke before the answer, and stayed so for longer than anybody asks', async () => {
    const { clock, connect, nodes } = await setUp();
    let isBroken = false;
    const client: MemoryCoordination = connect((what, path, done) => {
      if (isBroken || what !== 'create' || !path.startsWith(folder) || !done) return;
      isBroken = true;
      client.loseConnection();
    });
    await settle();
    const asked = acquireLock(client, 'work', { clock, random: seededRandom(3) }).catch((error: unknown) => error);
    await clock.advance(6_000);
    expect(await asked).to.be.instanceOf(Error);
    expect(await nodes(), 'the session lives on').to.equal(1);
    client.reconnect();
    await clock.advance(2_000);
    expect(await nodes()).to.equal(0);
    const lock = await acquireLock(client, 'work', { clock, random: seededRandom(4) });
    await lock.release();
  });
});
