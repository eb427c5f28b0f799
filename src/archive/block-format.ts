import { createHash } from 'node:crypto';
import { CorruptionError, invariant } from '../errors';
import { limits } from '../limits';
import { countLines, cutAtLineEnds } from '../lines';
import { compressFrame, decompressFrame, type Compress } from './compression';
import type { Block, Frame, Segment, SegmentSource } from './journal';

/** Lines of one source and one file on their way into a block; `raw` is what `splitLines` gave. */
export interface Piece {
  readonly fileId: string;
  readonly source: SegmentSource;
  readonly lines: number;
  readonly raw: Buffer;
  readonly receivedMs: number;
}

interface RawFrame {
  readonly parts: Buffer[];
  rawBytes: number;
}

/**
 * Makes block `n` of a lane. A piece of at least `limits.ownFrameBytes` gets frames of its own, which closing
 * copies as they are; one above twice `limits.ownFrameRawBytes` gets several, cut at line ends, so that reading one
 * line never unpacks much. Smaller pieces share frames. Segments keep the order of the pieces. `compress` runs off
 * the main thread. The caller keeps the pieces within `limits.blockRawBytes`.
 */
export async function buildBlock(
  lane: string, n: number, pieces: readonly Piece[], compress: Compress = compressFrame,
): Promise<Block> {
  const { segments, rawFrames } = layOut(pieces);
  const stored = await Promise.all(rawFrames.map((frame) => compress(join(frame))));
  const frames: Frame[] = [];
  let offset = 0;
  stored.forEach((data, index) => {
    frames.push({ offset, length: data.length, rawBytes: rawFrames[index]?.rawBytes ?? 0 });
    offset += data.length;
  });
  const data = stored.length === 1 && stored[0] !== undefined ? stored[0] : Buffer.concat(stored);
  return { lane, n, segments, frames, data, sha256: sha256Hex(data) };
}

function layOut(pieces: readonly Piece[]): { segments: Segment[]; rawFrames: RawFrame[] } {
  const segments: Segment[] = [];
  const rawFrames: RawFrame[] = [];
  let shared: number | undefined;
  const place = (piece: Piece, raw: Buffer, lines: number, index: number): void => {
    const frame = rawFrames[index];
    invariant(frame !== undefined, 'a segment lies in a frame');
    const { fileId, source, receivedMs } = piece;
    segments.push({ fileId, source, lines, bytes: raw.length, receivedMs, frame: index, offset: frame.rawBytes });
    frame.parts.push(raw);
    frame.rawBytes += raw.length;
  };
  for (const piece of pieces) {
    invariant(piece.raw.length > 0 && piece.lines > 0, 'a piece has lines');
    if (piece.raw.length >= limits.ownFrameBytes) {
      const whole = piece.raw.length <= 2 * limits.ownFrameRawBytes;
      const cuts = whole ? [piece.raw] : cutAtLineEnds(piece.raw, limits.ownFrameRawBytes);
      for (const raw of cuts) {
        place(piece, raw, whole ? piece.lines : countLines(raw), rawFrames.push(newFrame()) - 1);
      }
      continue;
    }
    const current: RawFrame | undefined = shared === undefined ? undefined : rawFrames[shared];
    if (current === undefined || current.rawBytes + piece.raw.length > limits.ownFrameRawBytes) {
      shared = rawFrames.push(newFrame()) - 1;
    }
    invariant(shared !== undefined, 'a shared frame is open');
    place(piece, piece.raw, piece.lines, shared);
  }
  return { segments, rawFrames };
}

function newFrame(): RawFrame {
  return { parts: [], rawBytes: 0 };
}

function join(frame: RawFrame): Buffer {
  return frame.parts.length === 1 && frame.parts[0] !== undefined ? frame.parts[0] : Buffer.concat(frame.parts);
}

/** The raw bytes of one frame of a block. CorruptionError when it isn't what the block says. */
export async function decodeFrame(block: Block, index: number): Promise<Buffer> {
  const frame = block.frames[index];
  if (frame === undefined) throw new CorruptionError(`block ${block.lane}/${block.n} has no frame ${index}`);
  return decompressFrame(storedFrame(block, frame), frame.rawBytes);
}

/** The stored bytes of a frame, not copied. */
export function storedFrame(block: Block, frame: Frame): Buffer {
  return block.data.subarray(frame.offset, frame.offset + frame.length);
}

/** True when the segment is alone in its frame, so that the frame can go into the file as it is. */
export function ownsFrame(block: Block, segment: Segment): boolean {
  return segment.offset === 0 && segment.bytes >= limits.ownFrameBytes
    && segment.bytes === block.frames[segment.frame]?.rawBytes;
}

/**
 * Why a block can't be used, or undefined when its hash and its layout hold: frames cover the data one after another,
 * segments cover the frames one after another.
 */
export function faultOf(block: Block): string | undefined {
  let end = 0;
  for (const frame of block.frames) {
    if (!isCount(frame.length) || !isCount(frame.rawBytes)) return 'a frame without a length';
    if (frame.offset !== end) return 'frames do not follow one another';
    if (frame.rawBytes > 2 * limits.blockRawBytes) return 'a frame is larger than a block may be';
    end += frame.length;
  }
  if (end !== block.data.length) return 'frames do not cover the data';
  const filled = block.frames.map(() => 0);
  for (const segment of block.segments) {
    if (!isCount(segment.lines) || !isCount(segment.bytes)) return 'a segment without lines';
    if (filled[segment.frame] !== segment.offset) return 'segments do not follow one another';
    filled[segment.frame] = segment.offset + segment.bytes;
  }
  if (block.frames.some((frame, index) => filled[index] !== frame.rawBytes)) return 'segments do not cover a frame';
  if (sha256Hex(block.data) !== block.sha256) return 'the data does not match its sha256';
  return undefined;
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0;
}

export function verifyBlock(block: Block): boolean {
  return faultOf(block) === undefined;
}

export function sha256Hex(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}
