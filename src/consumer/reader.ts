import { CorruptionError } from '../errors';
import { containsLine } from '../archive/line-ranges';
import type { FileBlock, FileBlockContent, FileDescription, Files } from '../archive/files';
import type { LineRanges } from '../archive/states';
import { eachLine } from '../lines';

/** An archived line with its number and its time of reception (ms since the epoch). */
export interface ReadLine {
  readonly line: number;
  /** With its LF. A view of the block's memory. */
  readonly raw: Buffer;
  readonly receivedMs: number;
}

/** Consecutive lines [first, next) of a file, without the deleted ones. */
export interface Slice {
  readonly first: number;
  readonly next: number;
  readonly lines: readonly ReadLine[];
  /** Raw bytes of `lines`. */
  readonly bytes: number;
}

export interface SliceBounds {
  readonly maxLines: number;
  readonly maxBytes: number;
}

/**
 * Reads a file from line `from` to its end, cut into slices that lie within one block each. Deleted lines are left
 * out but counted (schedule 19). CorruptionError when blocks and lines do not add up to the file: a line that is
 * missing or shifted must not pass as indexed.
 */
export async function* readSlices(
  files: Files, file: FileDescription, from: number, tombstones: LineRanges, bounds: SliceBounds,
): AsyncGenerator<Slice, void, void> {
  if (from >= file.Lines) return;
  let expected: number | undefined;
  for await (const block of files.readBlocks(file, from)) {
    const follows = expected === undefined ? block.firstLine <= from : block.firstLine === expected;
    if (!follows) throw new CorruptionError(`file ${file.id}: block with first line ${block.firstLine} is out of order`);
    expected = block.firstLine + block.lines;
    yield* slicesOfBlock(file.id, block, from, tombstones, bounds);
  }
  if (expected !== file.Lines) {
    throw new CorruptionError(`file ${file.id} has ${expected ?? from} lines in its blocks and ${file.Lines} by its metadata`);
  }
}

function* slicesOfBlock(
  id: string, block: FileBlockContent, from: number, tombstones: LineRanges, bounds: SliceBounds,
): Generator<Slice, void, void> {
  const receivedAt = receptionsOf(block);
  let line = block.firstLine;
  let first = Math.max(from, line);
  let lines: ReadLine[] = [];
  let bytes = 0;
  for (const { start, end } of eachLine(block.raw)) {
    const receivedMs = receivedAt();
    if (line >= from && !containsLine(tombstones, line)) {
      if (lines.length >= bounds.maxLines || (lines.length > 0 && bytes + end - start > bounds.maxBytes)) {
        yield { first, next: line, lines, bytes };
        first = line;
        lines = [];
        bytes = 0;
      }
      lines.push({ line, raw: block.raw.subarray(start, end), receivedMs });
      bytes += end - start;
    }
    line += 1;
  }
  if (line !== block.firstLine + block.lines) {
    throw new CorruptionError(`file ${id}: a block holds ${line - block.firstLine} lines, not ${block.lines}`);
  }
  if (first < line) yield { first, next: line, lines, bytes };
}

/** Gives the times of reception of a block's lines, one a call. */
function receptionsOf(block: FileBlock): () => number {
  let run = 0;
  let left = block.receptions[0]?.[0] ?? 0;
  return () => {
    while (left === 0) {
      run += 1;
      const next = block.receptions[run];
      if (next === undefined) throw new CorruptionError('a block has more lines than times of reception');
      [left] = next;
    }
    left -= 1;
    return block.receptions[run]?.[1] ?? 0;
  };
}
