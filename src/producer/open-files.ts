import type { Clock } from '../clock';
import type { Piece } from '../archive/block-format';
import type { Block, SegmentSource } from '../archive/journal';
import { invariant } from '../errors';
import { limits } from '../limits';
import { randomHex, type Random } from '../random';
import type { LineRun } from './line-accumulator';

const LF = 10;

/** Policy of closing, read at each use so that a changed setting applies at once. */
export interface FilePolicy {
  readonly maxLines: number;
  readonly maxBytes: number;
  readonly maxAgeMs: number;
}

/** Files whose last line is stored: they may be closed. */
export interface ClosableFiles {
  readonly files: ReadonlySet<string>;
  readonly fromN: number;
  readonly throughN: number;
}

/** Lines given to a file: those that are stored, and those in blocks that are not settled yet. */
interface OpenFile {
  readonly id: string;
  readonly sourceId: string;
  lines: number;
  rawBytes: number;
  storedRawBytes: number;
  storedBytes: number;
  /** Blocks with lines of this file that are neither stored nor dropped. */
  outstanding: number;
  firstN: number | undefined;
  lastN: number;
}

/** Files that close together as soon as none of them has an outstanding block. */
interface EndedGroup {
  readonly files: readonly OpenFile[];
}

export interface OpenFilesOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly policy: () => FilePolicy;
  readonly onClosable: (files: ClosableFiles) => void;
}

/**
 * The open files of one lane: one per source. Lines are given to a file when their block is made and count when the
 * block is stored; a block that is dropped leaves no trace but a file that may end a little early. All files end
 * together, as a generation, when the first line is `maxAgeMs` old or the stored bytes pass the bound; a file
 * that fills up before ends alone. Numbers of lines are not given here but at close (schedule 23: a counter that runs
 * ahead of the outcome).
 */
export class OpenFiles {
  private current = new Map<string, OpenFile>();
  private readonly ended = new Set<EndedGroup>();
  private storedBytes = 0;
  private startedMs: number | undefined;
  private cancelTimer: (() => void) | undefined;

  constructor(private readonly options: OpenFilesOptions) {}

  /** Files with lines that are not handed over to be closed. */
  get count(): number {
    let count = this.current.size;
    for (const group of this.ended) count += group.files.length;
    return count;
  }

  /** Gives the lines to files; cuts them where a file fills up. Each call belongs to one block. */
  assign(source: SegmentSource, receivedMs: number, run: LineRun): Piece[] {
    const pieces: Piece[] = [];
    let rest = run;
    while (rest.lines > 0) {
      const file = this.fileFor(source.id);
      const { taken, left } = take(rest, this.linesLeft(file), this.bytesLeft(file), file.lines === 0);
      if (taken.lines > 0) {
        pieces.push({ fileId: file.id, source, receivedMs, lines: taken.lines, raw: taken.raw });
        file.lines += taken.lines;
        file.rawBytes += taken.raw.length;
      }
      rest = left;
      if (rest.lines > 0 || this.linesLeft(file) <= 0 || this.bytesLeft(file) <= 0) this.endFile(source.id, file);
    }
    return pieces;
  }

  /**
   * Registers the blocks that were made of assigned pieces, all at once: a file may begin and end in a later one. Call
   * before anything else is assigned.
   */
  blocksMade(fileIds: readonly ReadonlySet<string>[]): void {
    for (const ids of fileIds) for (const file of this.filesOf(ids)) file.outstanding += 1;
    this.handOver();
  }

  /** The block is on a majority, under its number. */
  blockStored(block: Block): void {
    const fileIds = new Set(block.segments.map((segment) => segment.fileId));
    const files = new Map(this.filesOf(fileIds).map((file) => [file.id, file]));
    for (const segment of block.segments) {
      const frame = block.frames[segment.frame];
      const file = files.get(segment.fileId);
      invariant(frame !== undefined && file !== undefined, 'a stored segment has a frame and an open file');
      const stored = Math.ceil((frame.length * segment.bytes) / frame.rawBytes);
      file.storedBytes += stored;
      file.storedRawBytes += segment.bytes;
      this.storedBytes += stored;
    }
    for (const file of files.values()) {
      file.firstN ??= block.n;
      file.lastN = block.n;
    }
    this.settle(files.values());
    if (this.storedBytes >= limits.generationStoredBytes) this.endGeneration();
  }

  /** The block is not stored and never will be under this lane's hand. */
  blockDropped(fileIds: ReadonlySet<string>): void {
    this.settle(this.filesOf(fileIds));
  }

  /** Ends all files. They are handed over when their last block is settled. */
  endGeneration(): void {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
    this.startedMs = undefined;
    this.storedBytes = 0;
    if (this.current.size > 0) this.ended.add({ files: [...this.current.values()] });
    this.current = new Map();
    this.handOver();
  }

  /** Ends the file of a source that was removed or must not go on. */
  endSource(sourceId: string): void {
    const file = this.current.get(sourceId);
    if (file !== undefined) this.endFile(sourceId, file);
    this.handOver();
  }

  /** Applies a changed `maxAgeMs` to the current generation. */
  rearm(): void {
    if (this.startedMs === undefined) return;
    this.cancelTimer?.();
    const { clock } = this.options;
    const leftMs = this.startedMs + this.options.policy().maxAgeMs - clock.monotonic();
    this.cancelTimer = clock.timer(Math.max(0, leftMs), () => { this.endGeneration(); });
  }

  /** Forgets everything: the lane is over and its files are closed from its blocks. */
  abandon(): void {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
    this.startedMs = undefined;
    this.current.clear();
    this.ended.clear();
  }

  private fileFor(sourceId: string): OpenFile {
    const open = this.current.get(sourceId);
    if (open !== undefined) return open;
    const file: OpenFile = {
      id: newFileId(this.options.clock, this.options.random), sourceId, lines: 0, rawBytes: 0,
      storedRawBytes: 0, storedBytes: 0, outstanding: 0, firstN: undefined, lastN: -1,
    };
    this.current.set(sourceId, file);
    if (this.startedMs === undefined) {
      this.startedMs = this.options.clock.monotonic();
      this.rearm();
    }
    return file;
  }

  private linesLeft(file: OpenFile): number {
    return Math.min(this.options.policy().maxLines, limits.fileLines) - file.lines;
  }

  /** By raw bytes, and by stored bytes with the file's own ratio for what is not settled yet. */
  private bytesLeft(file: OpenFile): number {
    const ratio = file.storedRawBytes > 0 ? file.storedBytes / file.storedRawBytes : 0.5;
    const byStored = (limits.fileStoredBytes - file.rawBytes * ratio) / ratio;
    return Math.min(Math.min(this.options.policy().maxBytes, limits.fileRawBytes) - file.rawBytes, byStored);
  }

  private endFile(sourceId: string, file: OpenFile): void {
    if (this.current.get(sourceId) === file) this.current.delete(sourceId);
    this.ended.add({ files: [file] });
  }

  private filesOf(ids: ReadonlySet<string>): OpenFile[] {
    const files = [...this.current.values()].filter((file) => ids.has(file.id));
    for (const group of this.ended) files.push(...group.files.filter((file) => ids.has(file.id)));
    return files;
  }

  private settle(files: Iterable<OpenFile>): void {
    for (const file of files) {
      file.outstanding -= 1;
      invariant(file.outstanding >= 0, 'a block is settled once');
    }
    this.handOver();
  }

  private handOver(): void {
    for (const group of [...this.ended]) {
      if (group.files.some((file) => file.outstanding > 0)) continue;
      this.ended.delete(group);
      const stored = group.files.filter((file) => file.firstN !== undefined);
      if (stored.length === 0) continue;
      this.options.onClosable({
        files: new Set(stored.map((file) => file.id)),
        // A generation may have more files than a call may have arguments.
        fromN: stored.reduce((least, file) => Math.min(least, file.firstN ?? Infinity), Infinity),
        throughN: stored.reduce((most, file) => Math.max(most, file.lastN), -1),
      });
    }
  }
}

/** Takes at most so many lines and bytes off the front, but at least one line when `atLeastOne`. */
function take(
  run: LineRun, maxLines: number, maxBytes: number, atLeastOne: boolean,
): { taken: LineRun; left: LineRun } {
  const none = { taken: { lines: 0, raw: run.raw.subarray(0, 0) }, left: run };
  if (run.lines <= maxLines && (run.raw.length <= maxBytes || (run.lines === 1 && atLeastOne))) {
    return { taken: run, left: { lines: 0, raw: run.raw.subarray(run.raw.length) } };
  }
  if (!atLeastOne && (maxLines <= 0 || maxBytes <= 0)) return none;
  let lines = 0;
  let end = 0;
  while (lines < run.lines) {
    const next = run.raw.indexOf(LF, end) + 1;
    const fits = lines < maxLines && next <= maxBytes;
    if (!fits && !(atLeastOne && lines === 0)) break;
    end = next;
    lines += 1;
  }
  return {
    taken: { lines, raw: run.raw.subarray(0, end) },
    left: { lines: run.lines - lines, raw: run.raw.subarray(end) },
  };
}

/** Like an ObjectId: seconds, then random. Ascending over time, so that files list in the order of their opening. */
function newFileId(clock: Clock, random: Random): string {
  return Math.floor(clock.now() / 1000).toString(16).padStart(8, '0').slice(-8) + randomHex(random, 8);
}

