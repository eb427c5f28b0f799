import { expect } from 'chai';
import { MemoryVolume } from '../../../src/archive/memory-volume';
import { silentLog } from '../../../src/log';
import { BackPressure } from '../../../src/producer/back-pressure';
import type { QueueDepth } from '../../../src/queue/ports';
import { MemoryCoordinationServer } from '../../../src/registry/memory-coordination';
import { MemorySettings } from '../../../src/registry/memory-settings';
import { ManualClock, settle } from '../../support/manual-clock';

interface Setup {
  readonly clock: ManualClock;
  readonly settings: MemorySettings;
  readonly pressure: BackPressure;
  readonly looks: () => number;
  items: number;
  /** Files closed but not yet indexed. */
  closed: number;
}

function setUp(maxQueueDepth: number): Setup {
  const clock = new ManualClock();
  const settings = new MemorySettings({ backPressure: { maxQueueDepth } });
  const made = { looks: 0 };
  const depth = async (): Promise<QueueDepth> => {
    made.looks += 1;
    return { items: setup.items, dead: 0 };
  };
  const volume = new MemoryVolume({});
  volume.states.countClosed = async (limit) => Math.min(limit, setup.closed);
  const pressure = new BackPressure({
    volumes: [volume], queue: { put: async () => undefined, depth }, settings, clock, log: silentLog,
    coordination: new MemoryCoordinationServer({ clock }).connect(), storage: () => ({ usedFraction: 0 }),
  });
  const setup: Setup = { clock, settings, pressure, items: 0, closed: 0, looks: () => made.looks };
  pressure.start();
  return setup;
}

const codes = ({ pressure }: Setup): string[] => pressure.reasons().map(({ code }) => code);

describe('back pressure of the queue', () => {
  it('costs the registry next to nothing while the queue can not be full soon', async () => {
    const setup = setUp(100_000);
    await settle();
    for (let second = 0; second < 600; second += 10) await setup.clock.advance(10_000);
    expect(setup.looks()).to.be.within(2, 3);
    setup.closed = 60_000;
    await setup.clock.advance(60_000);
    expect(setup.looks(), 'every 30 s while many files wait').to.be.within(4, 6);
    setup.pressure.close();
  });

  it('looks every two seconds when the queue may be full soon, and refuses when it is', async () => {
    const setup = setUp(1_000);
    setup.closed = 500;
    await settle();
    await setup.clock.advance(60_000);
    expect(setup.looks()).to.be.within(29, 32);
    expect(codes(setup)).to.deep.equal([]);
    setup.items = 1_000;
    await setup.clock.advance(2_000);
    expect(codes(setup)).to.deep.equal(['queue-full']);
    setup.items = 999;
    await setup.clock.advance(2_000);
    expect(codes(setup)).to.deep.equal([]);
    setup.pressure.close();
  });

  it('follows a lowered bound within two seconds', async () => {
    const setup = setUp(100_000);
    await settle();
    setup.items = 500;
    setup.closed = 500;
    await setup.clock.advance(4_000);
    expect(codes(setup)).to.deep.equal([]);
    setup.settings.change({ backPressure: { maxQueueDepth: 400 } });
    await setup.clock.advance(2_000);
    expect(codes(setup)).to.deep.equal(['queue-full']);
    setup.pressure.close();
  });
});

describe('back pressure of files that wait to be indexed', () => {
  it('refuses at the bound and takes again when consumers have caught up', async () => {
    const setup = setUp(100_000);
    setup.settings.change({ backPressure: { maxUnqueuedFiles: 3 } });
    setup.closed = 2;
    await setup.clock.advance(2_000);
    expect(codes(setup)).to.deep.equal([]);
    setup.closed = 3;
    await setup.clock.advance(2_000);
    expect(codes(setup)).to.deep.equal(['backlog-full']);
    setup.closed = 0;
    await setup.clock.advance(2_000);
    expect(codes(setup)).to.deep.equal([]);
    setup.pressure.close();
  });
});

describe('back pressure of the storage', () => {
  it('refuses lines before the disk is full, so that there is room to close files and to delete (schedule 33)', () => {
    const clock = new ManualClock();
    let usedFraction = 0.84;
    const pressure = new BackPressure({
      volumes: [new MemoryVolume()], settings: new MemorySettings(), clock, log: silentLog,
      queue: { put: async () => undefined, depth: async () => ({ items: 0, dead: 0 }) },
      coordination: new MemoryCoordinationServer({ clock }).connect(), storage: () => ({ usedFraction }),
    });
    expect(pressure.reasons()).to.deep.equal([]);
    usedFraction = 0.85;
    expect(pressure.reasons().map(({ code }) => code)).to.deep.equal(['storage-full']);
  });
});
