import { expect } from 'chai';
import { withoutDeleted } from '../../../src/retention/visible-hits';
import { DeletionWorld } from './deletion-world';

describe('hits that may be shown', () => {
  it('are those without a tombstone, of files that are there', async () => {
    const world = new DeletionWorld();
    await world.close({ id: 'a', lines: ['0', '1', '2'], receivedMs: 1 });
    await world.close({ id: 'b', lines: ['0'], receivedMs: 1, phase: 'gone' });
    await world.volume.states.bury('a', [[1, 1]]);
    const hits = [['a', 0], ['a', 1], ['a', 2], ['b', 0], ['c', 0]] as const;
    const shown = await withoutDeleted(
      hits.map(([fileID, line]) => ({ fileID, line })), (id) => world.volume.states.get(id));
    expect(shown).to.deep.equal([{ fileID: 'a', line: 0 }, { fileID: 'a', line: 2 }]);
  });
});
