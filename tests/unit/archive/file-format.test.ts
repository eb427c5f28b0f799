import { expect } from 'chai';
import { createHash } from 'node:crypto';
import { zstdDecompressSync } from 'node:zlib';
import { compressFrame } from '../../../src/archive/compression';
import { blockOfLine, FileBuilder, type FilePart } from '../../../src/archive/file-format';
import { limits } from '../../../src/limits';

const origin = {
  id: 'a'.repeat(24), source: { id: 's1', name: 'alpha', indexed: true, timeZone: 'UTC' }, volume: 'v', lane: 'l',
};

function lines(count: number, from = 0): Buffer {
  return Buffer.from(Array.from({ length: count }, (_, i) => `line number ${from + i}\n`).join(''));
}

async function build(parts: readonly FilePart[]): Promise<Awaited<ReturnType<FileBuilder['finish']>>> {
  const builder = new FileBuilder(origin);
  for (const part of parts) await builder.add(part);
  return builder.finish(5000);
}

describe('file format', () => {
  it('concatenates frames; the table finds every line; hashes are those of the lines', async () => {
    const big = lines(10_000, 50);
    const parts: FilePart[] = [
      { raw: lines(20), lines: 20, receivedMs: 1000 }, { raw: lines(30, 20), lines: 30, receivedMs: 1000 },
      { raw: big, stored: await compressFrame(big), lines: 10_000, receivedMs: 1200 },
      { raw: lines(1, 10_050), lines: 1, receivedMs: 1100 },
    ];
    const { description, content } = await build(parts);
    expect(description.Lines).to.equal(10_051);
    expect(description.RemLines).to.equal(10_051);
    expect(description.Position).to.equal(0);
    expect(description.storedBytes).to.equal(content.length);
    const { firstReceivedMs, lastReceivedMs, closedMs } = description;
    expect([firstReceivedMs, lastReceivedMs, closedMs]).to.deep.equal([1000, 1200, 5000]);
    expect(description.blocks.map((block) => block.receptions))
      .to.deep.equal([[[50, 1000]], [[10_000, 1200]], [[1, 1100]]]);
    const raw: Buffer[] = [];
    for (const block of description.blocks) {
      raw.push(zstdDecompressSync(content.subarray(block.offset, block.offset + block.length)));
    }
    const whole = Buffer.concat(raw);
    expect(whole.equals(lines(10_051))).to.equal(true);
    expect(description.sha256).to.equal(createHash('sha256').update(whole).digest('hex'));
    expect(description.bytes).to.equal(whole.length);
    expect([0, 49, 50, 10_049, 10_050, 10_051].map((line) => blockOfLine(description.blocks, line)))
      .to.deep.equal([0, 0, 1, 1, 2, -1]);
  });

  it('gathers small parts into frames of a bounded size', async () => {
    const parts = Array.from({ length: 5000 }, (_, i) => ({ raw: lines(10, i), lines: 10, receivedMs: i }));
    const { description } = await build(parts);
    expect(description.blocks.length).to.be.greaterThan(2);
    for (const block of description.blocks) expect(block.rawBytes).to.be.at.most(limits.fileBlockRawBytes);
    expect(description.blocks.flatMap((block) => block.receptions)).to.have.length(5000);
  });

  it('gives equal bytes for equal parts, whoever closes', async () => {
    const parts = Array.from({ length: 100 }, (_, i) => ({ raw: lines(10, i), lines: 10, receivedMs: i }));
    const [one, two] = [await build(parts), await build(parts)];
    expect(one.content.equals(two.content)).to.equal(true);
    expect(one.description).to.deep.equal(two.description);
  });

  it('records lines that are missing, and can be empty', async () => {
    const builder = new FileBuilder(origin);
    builder.addGap(7, 900);
    const { description, content } = await builder.finish(5000);
    expect(content.length).to.equal(0);
    expect([description.Lines, description.gapLines, description.firstReceivedMs]).to.deep.equal([0, 7, 900]);
  });
});
