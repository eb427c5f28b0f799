import { expect } from 'chai';
import { UnavailableError } from '../../../src/errors';
import { silentLog } from '../../../src/log';
import { Closers } from '../../../src/process/closers';
import { ManualClock, settle } from '../../support/manual-clock';

describe('the parts of a process that stops', () => {
  let clock: ManualClock;
  let closers: Closers;
  let closed: string[];

  beforeEach(() => {
    clock = new ManualClock();
    closers = new Closers({ clock, log: silentLog });
    closed = [];
  });

  it('close in the reverse order of their start, once', async () => {
    for (const name of ['keys', 'producer', 'presence']) closers.add(name, () => { closed.push(name); });
    await Promise.all([closers.close(1_000), closers.close(1_000)]);
    expect(closed).to.deep.equal(['presence', 'producer', 'keys']);
  });

  it('close although one of them fails', async () => {
    closers.add('session', () => { closed.push('session'); });
    closers.add('broken at once', () => { throw new Error('a defect'); });
    closers.add('broken later', async () => { await settle(); throw new Error('a defect'); });
    await closers.close(1_000);
    expect(closed).to.deep.equal(['session']);
  });

  it('close although one of them hangs, with time left', async () => {
    const given: number[] = [];
    closers.add('session', (deadlineMs) => { given.push(deadlineMs); });
    closers.add('hanging', () => new Promise(() => undefined));
    const closing = closers.close(20_000);
    await clock.advance(15_000);
    await closing;
    expect(given).to.deep.equal([3_750]);
  });

  it('close also when they are made after the stop, and their maker hears of it', async () => {
    await closers.close(1_000);
    expect(() => { closers.add('presence', () => { closed.push('presence'); }); }).to.throw(UnavailableError);
    await closers.close(1_000);
    expect(closed).to.deep.equal(['presence']);
  });
});
