import { expect } from 'chai';
import { EventEmitter } from 'node:events';
import { ConfigurationError } from '../../../src/errors';
import { silentLog } from '../../../src/log';
import { runUntilStopped, type Service } from '../../../src/process/lifecycle';
import { ManualClock, settle } from '../../support/manual-clock';

describe('the life of a process', () => {
  let clock: ManualClock;
  let self: EventEmitter;
  let closes: number;

  beforeEach(() => {
    clock = new ManualClock();
    self = new EventEmitter();
    closes = 0;
  });

  const run = (service: Partial<Service>): Promise<number> => runUntilStopped({
    service: { start: async () => undefined, close: async () => { closes += 1; }, ...service },
    clock, log: silentLog, stopDeadlineMs: 20_000, process: self as NodeJS.Process,
  });

  for (const signal of ['SIGTERM', 'SIGINT']) {
    it(`ends with 0 after ${signal}, also in the middle of its start`, async () => {
      const code = run({ start: () => new Promise(() => undefined) });
      await settle();
      self.emit(signal, signal);
      expect(await code).to.equal(0);
      expect(closes).to.equal(1);
    });
  }

  it('ends with 78 when its start meets a configuration that can\'t be used, and closes what was started', async () => {
    expect(await run({ start: async () => { throw new ConfigurationError('the port is taken'); } })).to.equal(78);
    expect(closes).to.equal(1);
  });

  it('ends with 70 after a defect, wherever it shows', async () => {
    expect(await run({ start: async () => { throw new TypeError('undefined'); } })).to.equal(70);
    for (const event of ['uncaughtException', 'unhandledRejection']) {
      const code = run({});
      await settle();
      // A broken invariant while running is a defect too, whatever kind of error it is.
      self.emit(event, new ConfigurationError('nobody waits for this'));
      expect(await code).to.equal(70);
    }
  });

  it('ends with 75 when the stop takes longer than its deadline', async () => {
    const code = run({ close: () => new Promise(() => undefined) });
    await settle();
    self.emit('SIGTERM', 'SIGTERM');
    await clock.advance(21_000);
    expect(await code).to.equal(75);
  });
});
