import { expect } from 'chai';
import { lineChunks } from '../../../src/cli/line-chunks';

async function* pieces(text: string, size: number): AsyncGenerator<Buffer> {
  const all = Buffer.from(text);
  for (let at = 0; at < all.length; at += size) yield all.subarray(at, at + size);
}

async function chunksOf(text: string, pieceBytes: number, chunkBytes: number): Promise<string[]> {
  const chunks: string[] = [];
  for await (const chunk of lineChunks(pieces(text, pieceBytes), chunkBytes, 1_000)) chunks.push(chunk.toString());
  return chunks;
}

describe('lineChunks', () => {
  const text = Array.from({ length: 100 }, (_, i) => `line ${i} ${'x'.repeat(i % 17)}`).join('\n');

  it('keeps every byte and cuts at line ends only, whatever the pieces', async () => {
    for (const pieceBytes of [1, 7, 64, 5_000]) {
      const chunks = await chunksOf(text, pieceBytes, 50);
      expect(chunks.join('')).to.equal(text);
      for (const chunk of chunks.slice(0, -1)) expect(chunk.endsWith('\n')).to.equal(true);
      expect(chunks.length).to.be.greaterThan(10);
    }
  });

  it('gives a line longer than a chunk whole', async () => {
    const long = `a\n${'b'.repeat(300)}\nc\n`;
    const chunks = await chunksOf(long, 64, 50);
    expect(chunks.join('')).to.equal(long);
    expect(chunks.some((chunk) => chunk.includes('b'.repeat(300)))).to.equal(true);
  });

  it('hands over a line beyond the limit rather than hold it all', async () => {
    const chunks = await chunksOf('z'.repeat(5_000), 100, 50);
    expect(chunks.join('')).to.equal('z'.repeat(5_000));
    expect(chunks.length).to.be.greaterThan(1);
  });

  it('gives nothing for nothing', async () => {
    expect(await chunksOf('', 10, 10)).to.deep.equal([]);
  });
});
