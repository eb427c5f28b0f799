import { decodeFrame, ownsFrame, storedFrame } from '../archive/block-format';
import { FileBuilder } from '../archive/file-format';
import type { Journal, Segment, SegmentSource, StoredBlock } from '../archive/journal';
import type { States } from '../archive/states';
import { CorruptionError } from '../errors';
import { faultPoint } from '../fault-points';
import type { Log } from '../log';

export interface PassOptions {
  readonly journal: Journal;
  readonly states: Pick<States, 'existing'>;
  readonly log: Log;
  readonly volume: string;
  readonly lane: string;
  readonly fromN: number;
  readonly throughN: number;
  readonly files: ReadonlySet<string> | 'all';
  /** Bytes that the files under construction may hold together; one file is always allowed. */
  readonly memoryBytes: number;
}

/** A file that was put together, and what its state needs. */
export interface AssembledFile {
  readonly id: string;
  readonly source: SegmentSource;
  readonly builder: FileBuilder;
}

export interface PassResult {
  readonly files: readonly AssembledFile[];
  /** Block's number → ids of all files with a segment in it, wanted or not, closed or not. */
  readonly blocks: ReadonlyMap<number, ReadonlySet<string>>;
  /** Files for which there was no memory: they take another pass. */
  readonly deferred: ReadonlySet<string>;
}

/**
 * Goes once over the blocks of a lane and takes its files apart. Files that have a state already are left out. When
 * memory is short the files that were begun last are put off, so that each pass finishes at least one.
 */
export async function runPass(options: PassOptions): Promise<PassResult> {
  const pass = new Pass(options);
  for await (const block of options.journal.read(options.lane, options.fromN, options.throughN)) {
    await pass.take(block);
  }
  return pass.result();
}

class Pass {
  private readonly assembled = new Map<string, AssembledFile>();
  private readonly seen = new Set<string>();
  private readonly blocks = new Map<number, ReadonlySet<string>>();
  private readonly closed = new Set<string>();
  private readonly deferred = new Set<string>();

  constructor(private readonly options: PassOptions) {}

  result(): PassResult {
    return { files: [...this.assembled.values()], blocks: this.blocks, deferred: this.deferred };
  }

  async take(block: StoredBlock): Promise<void> {
    await this.look(block);
    const readable = block.corrupt ? await this.readAgain(block) : block;
    if (readable === undefined) {
      await this.leaveGap(block);
      return;
    }
    // Nothing of the block goes into a file before all of it is decoded: a gap is recorded for whole blocks only.
    let raws: readonly Buffer[];
    try {
      raws = await this.decode(readable);
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error;
      await this.leaveGap(block);
      return;
    }
    for (const segment of readable.segments) await this.add(readable, segment, raws[segment.frame]);
    this.limitMemory();
  }

  /** Notes the block's files, and which of the new ones have a state. */
  private async look(block: StoredBlock): Promise<void> {
    const fresh = new Set<string>();
    this.blocks.set(block.n, new Set(block.segments.map(({ fileId }) => fileId)));
    for (const { fileId } of block.segments) {
      if (!this.seen.has(fileId) && this.isAskedFor(fileId)) fresh.add(fileId);
      this.seen.add(fileId);
    }
    if (fresh.size === 0) return;
    for (const id of await this.options.states.existing([...fresh])) this.closed.add(id);
  }

  private isAskedFor(fileId: string): boolean {
    return this.options.files === 'all' || this.options.files.has(fileId);
  }

  private isWanted(fileId: string): boolean {
    return this.isAskedFor(fileId) && !this.closed.has(fileId) && !this.deferred.has(fileId);
  }

  private async decode(block: StoredBlock): Promise<readonly Buffer[]> {
    const wanted = new Set(block.segments.filter(({ fileId }) => this.isWanted(fileId)).map(({ frame }) => frame));
    return Promise.all(block.frames.map((_, index) => (wanted.has(index) ? decodeFrame(block, index) : NOTHING)));
  }

  private async add(block: StoredBlock, segment: Segment, raw: Buffer | undefined): Promise<void> {
    if (raw === undefined || !this.isWanted(segment.fileId)) return;
    const { builder } = this.file(segment);
    const { lines, receivedMs } = segment;
    const frame = block.frames[segment.frame];
    if (frame !== undefined && ownsFrame(block, segment)) {
      // A copy, so that the file does not keep the whole block in memory.
      await builder.add({ raw, stored: Buffer.from(storedFrame(block, frame)), lines, receivedMs });
    } else {
      await builder.add({ raw: raw.subarray(segment.offset, segment.offset + segment.bytes), lines, receivedMs });
    }
  }

  private file(segment: Segment): AssembledFile {
    const { fileId: id, source } = segment;
    let file = this.assembled.get(id);
    if (file === undefined) {
      const { volume, lane } = this.options;
      file = { id, source, builder: new FileBuilder({ id, source, volume, lane }) };
      this.assembled.set(id, file);
    }
    return file;
  }

  private limitMemory(): void {
    let held = 0;
    for (const { builder } of this.assembled.values()) held += builder.heldBytes;
    const ids = [...this.assembled.keys()];
    while (held > this.options.memoryBytes && ids.length > 1) {
      const last = ids.pop();
      const file = last === undefined ? undefined : this.assembled.get(last);
      if (last === undefined || file === undefined) return;
      held -= file.builder.heldBytes;
      this.assembled.delete(last);
      this.deferred.add(last);
    }
  }

  /** A block that looks corrupt is read once more: what was damaged on its way here is not damaged for good. */
  private async readAgain(block: StoredBlock): Promise<StoredBlock | undefined> {
    for await (const again of this.options.journal.read(block.lane, block.n, block.n)) {
      if (!again.corrupt) return again;
    }
    return undefined;
  }

  private async leaveGap(block: StoredBlock): Promise<void> {
    const { journal, log } = this.options;
    const lines = block.segments.reduce((sum, segment) => sum + segment.lines, 0);
    // First of all: from now on no release removes it, and nobody closes its files with its lines any more.
    await journal.setAsideBlock(block.lane, block.n, 'its data does not match its hash or its format');
    faultPoint('closer.block-set-aside');
    log.error('JournalBlockCorrupt', {
      lane: block.lane, n: block.n, sha256: block.sha256, lines, bytes: block.data.length,
      remedy: 'acknowledged lines can not be read: look for hardware faults; the block is kept in the journal',
    });
    for (const segment of block.segments) {
      if (this.isWanted(segment.fileId)) this.file(segment).builder.addGap(segment.lines, segment.receivedMs);
    }
  }
}

const NOTHING = Promise.resolve(Buffer.alloc(0));
