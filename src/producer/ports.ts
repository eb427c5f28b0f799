import type { Piece } from '../archive/block-format';
import type { Block } from '../archive/journal';

/** Makes a block: compresses off the main thread and hashes. `n` may still be changed afterwards. */
export type BuildBlock = (lane: string, n: number, pieces: readonly Piece[]) => Promise<Block>;

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
