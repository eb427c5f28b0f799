import { CorruptionError } from '../errors';
import { countLines } from '../lines';
import { sha256Hex } from './block-format';
import { decompressFrame } from './compression';
import type { FileBlock, FileBlockContent } from './files';

const LF = 10;

/** Decodes one block of a file. CorruptionError when its hash, its size or its number of lines is not as recorded. */
export async function readBlock(fileId: string, block: FileBlock, stored: Buffer): Promise<FileBlockContent> {
  if (sha256Hex(stored) !== block.sha256) {
    throw new CorruptionError(`the block at byte ${block.offset} of file ${fileId} does not match its sha256`);
  }
  const raw = await decompressFrame(stored, block.rawBytes);
  if (countLines(raw) !== block.lines) {
    throw new CorruptionError(`the block at byte ${block.offset} of file ${fileId} has another number of lines`);
  }
  return { ...block, raw };
}

/** One line of a decoded block with its LF. The line is known to be in it. */
export function sliceLine(block: FileBlockContent, line: number): Buffer {
  let start = 0;
  for (let skip = line - block.firstLine; skip > 0; skip -= 1) start = block.raw.indexOf(LF, start) + 1;
  // A copy, so that a line that is kept does not keep its block.
  return Buffer.from(block.raw.subarray(start, block.raw.indexOf(LF, start) + 1));
}
