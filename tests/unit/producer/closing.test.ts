import { expect } from 'chai';
import { UnavailableError } from '../../../src/errors';
import { silentLog } from '../../../src/log';
import { Closing } from '../../../src/producer/closing';
import type { CloseRequest } from '../../../src/producer/ports';
import { systemRandom } from '../../../src/random';
import { ManualClock } from '../../support/manual-clock';

const REQUEST: CloseRequest = { volume: 'v', lane: 'L', fromN: 0, throughN: 0, files: 'all' };

describe('closing files while the queue is out of reach', () => {
  let clock: ManualClock;
  let reachable: boolean;
  let puts: (readonly string[])[];
  let closing: Closing;
  let made: number;

  beforeEach(() => {
    clock = new ManualClock();
    reachable = true;
    puts = [];
    made = 0;
    closing = new Closing({
      clock, random: systemRandom, log: silentLog,
      closeFiles: async () => {
        made += 1;
        return [{ id: `file-${made}`, indexed: true }, { id: `archived-${made}`, indexed: false }];
      },
      queue: {
        put: async (ids) => {
          if (!reachable) throw new UnavailableError('no ZooKeeper');
          puts.push(ids);
        },
        depth: async () => ({ items: 0, dead: 0 }),
      },
    });
  });

  const close = async (): Promise<void> => {
    closing.add(REQUEST);
    await closing.drained();
  };

  it('puts what is to be indexed at once when it is in reach', async () => {
    await close();
    expect(puts).to.deep.equal([['file-1']]);
  });

  it('puts the files as soon as it is back, however long it was away, each once', async () => {
    reachable = false;
    await close();
    await close();
    await clock.advance(600_000);
    expect(puts).to.deep.equal([]);
    reachable = true;
    await clock.advance(5_000);
    expect(puts).to.deep.equal([['file-1', 'file-2']]);
    await close();
    await clock.advance(60_000);
    expect(puts).to.deep.equal([['file-1', 'file-2'], ['file-3']]);
  });

  it('leaves them to the recoverer when the process ends', async () => {
    reachable = false;
    await close();
    closing.close();
    reachable = true;
    await clock.advance(60_000);
    expect(puts).to.deep.equal([]);
  });
});
