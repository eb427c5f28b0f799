import { expect } from 'chai';
import { UnavailableError } from '../../../../src/errors';
import { silentLog } from '../../../../src/log';
import { takeTurn } from '../../../../src/process/launch/turn';
import { systemRandom } from '../../../../src/random';
import type { Coordination } from '../../../../src/registry/coordination';
import { MemoryCoordinationServer, type MemoryCoordination } from '../../../../src/registry/memory-coordination';
import { paths, presenceFolder, restartLock, type ComponentKind } from '../../../../src/registry/paths';
import { ManualClock, settle } from '../../../support/manual-clock';

const LOCK = `${paths.locks}/${restartLock}`;

describe('the turn to restart', () => {
  let clock: ManualClock;
  let server: MemoryCoordinationServer;
  let registry: Coordination;

  beforeEach(async () => {
    clock = new ManualClock();
    server = new MemoryCoordinationServer({ clock });
    registry = server.connect();
    for (const path of [LOCK, presenceFolder('MongoDB'), presenceFolder('ZooKeeper')]) await registry.ensure(path);
  });

  /** Makes the member present, as started at this moment; or takes its presence away. */
  const present = async (member: string, startedAt: string | undefined, kind: ComponentKind = 'MongoDB'): Promise<void> => {
    const path = `${presenceFolder(kind)}/${member}`;
    if (startedAt === undefined) await registry.remove(path);
    else await registry.create(path, Buffer.from(JSON.stringify({ kind, member, address: '[::1]:1', startedAt })));
  };
  const all = async (): Promise<void> => {
    for (const member of ['mongodb-1', 'mongodb-2', 'mongodb-3']) await present(member, 'before');
  };
  const advance = async (seconds: number): Promise<void> => {
    for (let elapsed = 0; elapsed < seconds * 2; elapsed += 1) {
      await clock.advance(500);
      await settle();
    }
  };
  const take = (member: string, more: Partial<Parameters<typeof takeTurn>[0]> = {}) => {
    const coordination: MemoryCoordination = server.connect();
    const turn = { granted: false, ended: false, error: undefined as unknown, coordination };
    void takeTurn({
      coordination, clock, random: systemRandom, log: silentLog, kind: 'MongoDB', member, peers: 3, probe: undefined,
      waitMs: 60_000, noticeMs: 60_000, holdMs: 180_000, onGranted: () => { turn.granted = true; }, ...more,
    }).catch((error: unknown) => { turn.error = error; }).finally(() => { turn.ended = true; });
    return turn;
  };
  const holders = async (): Promise<number> => (await registry.children(LOCK)).length;

  it('is had at once when all others are up, and kept until the restarted member is', async () => {
    await all();
    const turn = take('mongodb-1');
    await advance(1);
    expect(turn.granted).to.equal(true);
    await present('mongodb-1', undefined);
    await advance(100);
    expect(await holders()).to.equal(1);
    await present('mongodb-1', 'after');
    await advance(4);
    expect(turn).to.include({ ended: true, error: undefined });
    expect(await holders()).to.equal(0);
  });

  it('is one member\'s at a time', async () => {
    await all();
    const first = take('mongodb-1');
    await advance(1);
    const second = take('mongodb-2');
    await advance(5);
    expect([first.granted, second.granted]).to.deep.equal([true, false]);
    await present('mongodb-1', undefined);
    await advance(5);
    expect(second.granted).to.equal(false);
    await present('mongodb-1', 'after');
    await advance(5);
    expect(second.granted).to.equal(true);
  });

  it('is refused, with the reason, while another member of the kind is away', async () => {
    await all();
    await present('mongodb-3', undefined);
    const turn = take('mongodb-1');
    await advance(62);
    expect(turn.granted).to.equal(false);
    expect(turn.error).to.be.instanceOf(UnavailableError);
    expect(String(turn.error)).to.include('of 3 MongoDB members only 2 are up (mongodb-1, mongodb-2)');
    expect(await holders()).to.equal(0);
  });

  it('is a member\'s that is away itself, whoever else is', async () => {
    await present('mongodb-2', 'before');
    const turn = take('mongodb-1');
    await advance(1);
    expect(turn.granted).to.equal(true);
  });

  it('is a member\'s whose others are still to join', async () => {
    await present('mongodb-1', 'before');
    const turn = take('mongodb-1');
    await advance(1);
    expect(turn.granted).to.equal(true);
  });

  it('passes on when the member does not stop, or does not come back', async () => {
    await all();
    const unnoticed = take('mongodb-1');
    await advance(62);
    expect(unnoticed).to.include({ granted: true, ended: true });
    const lost = take('mongodb-2');
    await advance(1);
    await present('mongodb-2', undefined);
    await advance(182);
    expect(lost).to.include({ granted: true, ended: true });
    expect(await holders()).to.equal(0);
  });

  it('passes on when its holder dies', async () => {
    await all();
    const first = take('mongodb-1');
    await advance(1);
    const second = take('mongodb-2');
    await advance(2);
    first.coordination.expireSession();
    await advance(2);
    expect([first.ended, second.granted]).to.deep.equal([true, true]);
  });

  it('ends only when the restarted member passes its health check', async () => {
    await all();
    let works = false;
    const turn = take('mongodb-1', {
      probe: { check: async () => { if (!works) throw new Error('replicas recover'); }, close: async () => undefined },
    });
    await advance(1);
    await present('mongodb-1', undefined);
    await present('mongodb-1', 'after');
    await advance(20);
    expect(turn.ended).to.equal(false);
    works = true;
    await advance(4);
    expect(turn.ended).to.equal(true);
  });

  for (const [kind, granted] of [['ZooKeeper', true], ['MongoDB', false]] as const) {
    it(`${granted ? 'is a ZooKeeper\'s' : 'is refused to others'} while the registry is out of reach`, async () => {
      const turn = take(`${kind.toLowerCase()}-1`, { kind, coordination: server.connect({ disconnected: true }) });
      await advance(90);
      expect(turn.granted).to.equal(granted);
      if (!granted) expect(String(turn.error)).to.include('the registry is out of reach');
    });
  }
});
