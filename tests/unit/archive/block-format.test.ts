import { expect } from 'chai';
import { randomBytes } from 'node:crypto';
import { buildBlock, decodeFrame, faultOf, ownsFrame, verifyBlock, type Piece } from '../../../src/archive/block-format';
import { decompressFrame } from '../../../src/archive/compression';
import type { Block } from '../../../src/archive/journal';
import { CorruptionError } from '../../../src/errors';
import { limits } from '../../../src/limits';
import { splitLines } from '../../../src/lines';

const source = { id: 's1', name: 'alpha', indexed: true, timeZone: 'UTC' };

function piece(body: string, file = 'f'.repeat(24)): Piece {
  const { content, lines } = splitLines(Buffer.from(body));
  return { fileId: file, source, lines, raw: content, receivedMs: 1000 };
}

async function rawOf(block: Block): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (const segment of block.segments) {
    const raw = await decodeFrame(block, segment.frame);
    parts.push(raw.subarray(segment.offset, segment.offset + segment.bytes));
  }
  return Buffer.concat(parts);
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(() => undefined, (error: unknown) => error);
}

describe('block format', () => {
  it('gives small pieces one shared frame and a large one its own', async () => {
    const large = 'large line\n'.repeat(limits.ownFrameBytes / 10);
    const pieces = [piece('a\nb\n', '1'.repeat(24)), piece(large, '2'.repeat(24)), piece('c\n', '3'.repeat(24))];
    const block = await buildBlock('lane', 7, pieces);
    expect(block.frames).to.have.length(2);
    expect(block.segments.map((segment) => segment.frame)).to.deep.equal([0, 1, 0]);
    expect(block.segments.map((segment) => ownsFrame(block, segment))).to.deep.equal([false, true, false]);
    expect(block.segments.map((segment) => segment.lines)).to.deep.equal(pieces.map(({ lines }) => lines));
    expect((await rawOf(block)).equals(Buffer.concat(pieces.map(({ raw }) => raw)))).to.equal(true);
    expect(verifyBlock(block)).to.equal(true);
  });

  it('cuts a very large piece at line ends into several segments of the same file', async () => {
    const body = Array.from({ length: 60_000 }, (_, i) => `line ${i} of a body that is large\n`).join('');
    const block = await buildBlock('lane', 0, [piece(body)]);
    expect(block.segments.length).to.be.greaterThan(2);
    for (const frame of block.frames) expect(frame.rawBytes).to.be.at.most(limits.ownFrameRawBytes);
    expect(block.segments.reduce((sum, segment) => sum + segment.lines, 0)).to.equal(60_000);
    expect((await rawOf(block)).toString()).to.equal(body);
    expect(verifyBlock(block)).to.equal(true);
  });

  it('holds an incompressible block of the largest size', async () => {
    const raw = randomBytes(limits.blockRawBytes).map((byte) => (byte === 10 ? 11 : byte));
    raw[raw.length - 1] = 10;
    const block = await buildBlock('lane', 0, [{ ...piece('a\n'), raw: Buffer.from(raw), lines: 1 }]);
    expect(verifyBlock(block)).to.equal(true);
    expect((await rawOf(block)).equals(raw)).to.equal(true);
  });

  it('is deterministic', async () => {
    const one = await buildBlock('lane', 0, [piece('a\nb\n')]);
    const two = await buildBlock('lane', 0, [piece('a\nb\n')]);
    expect(one).to.deep.equal(two);
  });

  it('finds each kind of damage', async () => {
    const block = await buildBlock('lane', 0, [piece('a\nb\n'), piece('c\n')]);
    const flipped = Buffer.from(block.data);
    flipped[flipped.length - 1] = (flipped[flipped.length - 1] ?? 0) ^ 1;
    const first = block.segments[0];
    if (first === undefined) throw new Error('no segment');
    const damaged: readonly Partial<Block>[] = [
      { data: flipped }, { data: block.data.subarray(1) }, { frames: [] }, { segments: block.segments.slice(1) },
      { segments: [{ ...first, bytes: 1 }] }, { segments: [...block.segments].reverse() },
      { frames: [{ offset: 0, length: block.data.length, rawBytes: 99 }] }, { sha256: '0'.repeat(64) },
    ];
    for (const change of damaged) {
      expect(faultOf({ ...block, ...change }), Object.keys(change).join()).to.be.a('string');
      expect(verifyBlock({ ...block, ...change })).to.equal(false);
    }
  });

  it('never decompresses beyond the announced size, and notices a frame that is too short', async () => {
    const block = await buildBlock('lane', 0, [piece('x'.repeat(50_000))]);
    expect(await rejection(decompressFrame(block.data, 10))).to.be.instanceOf(CorruptionError);
    expect(await rejection(decompressFrame(block.data, 60_000))).to.be.instanceOf(CorruptionError);
    expect(await rejection(decompressFrame(Buffer.from('no zstd'), 10))).to.be.instanceOf(CorruptionError);
    expect(await rejection(decodeFrame(block, 3))).to.be.instanceOf(CorruptionError);
  });
});
