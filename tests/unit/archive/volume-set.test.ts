import { expect } from 'chai';
import { findFile, findState, listFiles } from '../../../src/archive/volume-set';
import { DeletionWorld } from '../retention/deletion-world';

const idOf = (n: number): string => n.toString(16).padStart(24, '0');

describe('Several volumes', () => {
  let worlds: readonly DeletionWorld[];

  beforeEach(async () => {
    worlds = [new DeletionWorld(), new DeletionWorld(), new DeletionWorld()];
    // Volume 0 has 0, 2, 4 …, volume 1 has 1, 3, 5 …; the last one is empty.
    for (let n = 0; n < 7; n += 1) {
      await worlds[n % 2]?.close({ id: idOf(n), source: n < 4 ? 'a' : 'b', lines: [`first ${n}`, `second ${n}`], receivedMs: n });
    }
  });

  const volumes = (): DeletionWorld['volume'][] => worlds.map(({ volume }) => volume);
  const listed = async (source?: string): Promise<string[]> => {
    const ids: string[] = [];
    for await (const { id } of listFiles(volumes(), source)) ids.push(id);
    return ids;
  };

  it('list their files in the order of ids, as if there were one', async () => {
    expect(await listed()).to.deep.equal([0, 1, 2, 3, 4, 5, 6].map(idOf));
    expect(await listed('b')).to.deep.equal([4, 5, 6].map(idOf));
    expect(await listed('nobody')).to.deep.equal([]);
  });

  it('find a file and a state wherever they are', async () => {
    for (const n of [0, 3]) {
      const kept = await findFile(volumes(), idOf(n));
      expect(kept?.file.id).to.equal(idOf(n));
      expect(kept?.volume).to.equal(volumes()[n % 2]);
      expect((await findState(volumes(), idOf(n)))?.state.id).to.equal(idOf(n));
    }
    expect(await findFile(volumes(), idOf(99))).to.equal(undefined);
    expect(await findState(volumes(), idOf(99))).to.equal(undefined);
  });
});
