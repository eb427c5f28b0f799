import { createHash, type Hash } from 'node:crypto';
import { invariant } from '../errors';
import { limits } from '../limits';
import { sha256Hex } from './block-format';
import { compressFrame, type Compress } from './compression';
import type { FileBlock, FileDescription } from './files';
import type { SegmentSource } from './journal';

/** Raised whenever the stored form changes; readers refuse a higher one. */
export const FILE_FORMAT_VERSION = 1;

export interface FileOrigin {
  readonly id: string;
  readonly source: SegmentSource;
  readonly volume: string;
  readonly lane: string;
}

/** Lines in order of arrival; `stored` is a zstd frame of exactly `raw`, to be copied as it is. */
export interface FilePart {
  readonly raw: Buffer;
  readonly stored?: Buffer;
  readonly lines: number;
  readonly receivedMs: number;
}

export interface BuiltFile {
  readonly description: FileDescription;
  readonly content: Buffer;
}

type Reception = [lines: number, receivedMs: number];

/**
 * Puts one file together: concatenated zstd frames, the block table, hashes. The content is a function of the parts
 * and their order alone, so two closers of one file produce equal bytes. Small parts are gathered into frames of
 * about `limits.fileBlockRawBytes`; memory held is `heldBytes`.
 */
export class FileBuilder {
  private readonly hash: Hash = createHash('sha256');
  private readonly stored: Buffer[] = [];
  private readonly blocks: FileBlock[] = [];
  private pending: Buffer[] = [];
  private pendingBytes = 0;
  private pendingReceptions: Reception[] = [];
  private storedBytes = 0;
  private rawBytes = 0;
  private lines = 0;
  private gapLines = 0;
  private firstReceivedMs = Number.POSITIVE_INFINITY;
  private lastReceivedMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly origin: FileOrigin, private readonly compress: Compress = compressFrame) {}

  /** Bytes that this builder keeps in memory. */
  get heldBytes(): number {
    return this.storedBytes + this.pendingBytes;
  }

  async add(part: FilePart): Promise<void> {
    invariant(part.lines > 0 && part.raw.length > 0, 'a part of a file has lines');
    this.hash.update(part.raw);
    this.rawBytes += part.raw.length;
    this.noteReception(part.receivedMs);
    if (part.stored !== undefined) {
      await this.flush();
      this.append(part.stored, part.raw.length, part.lines, [[part.lines, part.receivedMs]]);
      return;
    }
    if (this.pendingBytes > 0 && this.pendingBytes + part.raw.length > limits.fileBlockRawBytes) await this.flush();
    // A copy: the part is often a small piece of a large decompressed frame, which would stay in memory with it.
    this.pending.push(Buffer.from(part.raw));
    this.pendingBytes += part.raw.length;
    addReception(this.pendingReceptions, part.lines, part.receivedMs);
  }

  /** Records lines that were acknowledged but can't be read any more. They get no numbers. */
  addGap(lines: number, receivedMs: number): void {
    this.gapLines += lines;
    this.noteReception(receivedMs);
  }

  async finish(closedMs: number): Promise<BuiltFile> {
    await this.flush();
    const { id, source, volume, lane } = this.origin;
    const known = Number.isFinite(this.firstReceivedMs);
    const description: FileDescription = {
      id, sourceId: source.id, Source: source.name, Lines: this.lines, RemLines: this.lines, Position: 0,
      formatVersion: FILE_FORMAT_VERSION, volume, lane, bytes: this.rawBytes, storedBytes: this.storedBytes,
      sha256: this.hash.digest('hex'), firstReceivedMs: known ? this.firstReceivedMs : closedMs,
      lastReceivedMs: known ? this.lastReceivedMs : closedMs, closedMs, blocks: this.blocks, gapLines: this.gapLines,
    };
    return { description, content: Buffer.concat(this.stored) };
  }

  private noteReception(receivedMs: number): void {
    this.firstReceivedMs = Math.min(this.firstReceivedMs, receivedMs);
    this.lastReceivedMs = Math.max(this.lastReceivedMs, receivedMs);
  }

  private async flush(): Promise<void> {
    if (this.pendingBytes === 0) return;
    const raw = this.pending.length === 1 && this.pending[0] ? this.pending[0] : Buffer.concat(this.pending);
    const receptions = this.pendingReceptions;
    this.pending = [];
    this.pendingBytes = 0;
    this.pendingReceptions = [];
    const lines = receptions.reduce((sum, [count]) => sum + count, 0);
    this.append(await this.compress(raw), raw.length, lines, receptions);
  }

  private append(stored: Buffer, rawBytes: number, lines: number, receptions: readonly Reception[]): void {
    this.blocks.push({
      offset: this.storedBytes, length: stored.length, rawBytes, firstLine: this.lines, lines, receptions,
      sha256: sha256Hex(stored),
    });
    this.stored.push(stored);
    this.storedBytes += stored.length;
    this.lines += lines;
  }
}

function addReception(receptions: Reception[], lines: number, receivedMs: number): void {
  const last = receptions[receptions.length - 1];
  if (last !== undefined && last[1] === receivedMs) last[0] += lines;
  else receptions.push([lines, receivedMs]);
}

/** Index of the block that holds a line; −1 beyond the end. Binary search: a file may have thousands of blocks. */
export function blockOfLine(blocks: readonly FileBlock[], line: number): number {
  let low = 0;
  let high = blocks.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const block = blocks[middle];
    if (block === undefined || line < block.firstLine) high = middle - 1;
    else if (line >= block.firstLine + block.lines) low = middle + 1;
    else return middle;
  }
  return -1;
}
