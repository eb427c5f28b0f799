import { expect } from 'chai';
import { Phase, type FileState } from '../../../src/archive/states';
import type { Volume } from '../../../src/archive/volume';
import type { AuditContext } from '../../../src/audit/context';
import { indexAgain } from '../../../src/audit/repairs';
import { TestClock } from '../recovery/harness';

const DOUBLED = ['f!1', 'f!3'];

/** What is done to files, queue and index, in its order. */
function recorded({ closed = 0, restarts = true }): { context: AuditContext; volume: Volume; effects: string[] } {
  const effects: string[] = [];
  const did = <T>(what: string, answer: T) => (...parts: readonly unknown[]): Promise<T> => {
    effects.push([what, ...parts.flatMap((part) => (Array.isArray(part) ? part as string[] : []))].join(' '));
    return Promise.resolve(answer);
  };
  const context = {
    clock: new TestClock(),
    deletions: { list: () => Promise.resolve([]) },
    queue: { put: did('queue', undefined) },
    index: { removeIds: did('remove', undefined), commit: did('commit', undefined) },
  };
  const volume = { states: { countClosed: () => Promise.resolve(closed), restart: did('restart', restarts) } };
  return { context: context as unknown as AuditContext, volume: volume as unknown as Volume, effects };
}

function fileIn(phase: Phase): FileState {
  return { id: 'f', phase, claim: 3, collection: 'logs', firstReceivedMs: 0 } as unknown as FileState;
}

describe('a file that the audit has indexed again', () => {
  it('loses documents with an id that others have only when their lines are sure to come back', async () => {
    const { context, volume, effects } = recorded({});
    expect(await indexAgain(context, volume, fileIn(Phase.verified), DOUBLED)).to.equal(true);
    expect(effects).to.deep.equal(['restart', 'remove f!1 f!3', 'commit', 'queue f']);
  });

  it('keeps them while too many files wait', async () => {
    const { context, volume, effects } = recorded({ closed: 1_000 });
    expect(await indexAgain(context, volume, fileIn(Phase.verified), DOUBLED)).to.equal(false);
    expect(effects).to.deep.equal([]);
  });

  it('keeps them when it is another\'s by now', async () => {
    const { context, volume, effects } = recorded({ restarts: false });
    expect(await indexAgain(context, volume, fileIn(Phase.verified), DOUBLED)).to.equal(false);
    expect(effects).to.deep.equal(['restart']);
  });

  it('keeps them when it was given up', async () => {
    const { context, volume, effects } = recorded({});
    expect(await indexAgain(context, volume, fileIn(Phase.dead), DOUBLED)).to.equal(false);
    expect(effects).to.deep.equal([]);
  });
});
