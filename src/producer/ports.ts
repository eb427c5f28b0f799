import type { Block, SegmentSource } from '../archive/journal';

/** Lines of one request (or the part of it that one block holds) on their way into a block. */
export interface Piece {
  readonly source: SegmentSource;
  readonly receivedMs: number;
  readonly lines: number;
  /** Whole lines, each ended by one LF, none empty. */
  readonly data: Buffer;
}

/** A piece whose file is decided. */
export interface AssignedPiece extends Piece {
  /** 24 hex digits. */
  readonly fileId: string;
}

/** Makes a block: compresses off the main thread and hashes. `n` may still be changed afterwards. */
export type BuildBlock = (lane: string, n: number, pieces: readonly AssignedPiece[]) => Promise<Block>;

/** Which files of a lane to close, from one sequential pass over its blocks. */
export interface CloseRequest {
  readonly lane: string;
  readonly volume: string;
  /** No segment of the files lies outside these blocks (both included). */
  readonly fromN: number;
  readonly throughN: number;
  /** The files; 'all' closes every file of the blocks (a generation). */
  readonly files: ReadonlySet<string> | 'all';
}

export interface ClosedFile {
  readonly id: string;
  /** False: archived only, not for the queue. */
  readonly indexed: boolean;
}

/**
 * Closes files: chunks, GridFS document and state in transactions, then releases the lane's blocks as far as all
 * their files are closed. Idempotent: what is closed already is left alone and not returned.
 */
export type CloseFiles = (request: CloseRequest) => Promise<readonly ClosedFile[]>;

/** Records that files were put into the queue, so that nobody enqueues them again; by the volume's name. */
export type MarkQueued = (volume: string, fileIds: readonly string[]) => Promise<void>;
