/**
 * The journal port: where acknowledged lines live until their file is closed. A *lane* is a strictly numbered
 * sequence of blocks written by one start of one producer (an incarnation), one write in flight at a time.
 * A lane ends with a *seal*, a document that takes the next number, so that whoever still believes to own the lane
 * collides with it. The highest document of a lane and its seal are never removed.
 */
export interface LaneRecord {
  readonly id: string;
  readonly incarnation: string;
  readonly volume: string;
  readonly openedMs: number;
}

/** Facts about a source that closing a file needs; stored with each block so that closing needs nothing else. */
export interface SegmentSource {
  readonly id: string;
  readonly name: string;
  readonly indexed: boolean;
  readonly timeZone: string;
}

/** Lines of one source within one block: all of one request, or the part of it that this block holds. */
export interface Segment {
  /** 24 hex digits: the file that these lines will belong to. A file belongs to one source and one lane. */
  readonly fileId: string;
  readonly source: SegmentSource;
  readonly lines: number;
  /** Raw bytes, each line ended by one LF. */
  readonly bytes: number;
  readonly receivedMs: number;
  /** Index into `frames`, and where the segment starts in that frame's raw bytes. */
  readonly frame: number;
  readonly offset: number;
}

/** A zstd frame within a block's data. */
export interface Frame {
  readonly offset: number;
  readonly length: number;
  readonly rawBytes: number;
}

export interface Block {
  readonly lane: string;
  readonly n: number;
  readonly segments: readonly Segment[];
  readonly frames: readonly Frame[];
  readonly data: Buffer;
  /** Hex SHA-256 of `data`. */
  readonly sha256: string;
}

/**
 * A block as it was read back. `corrupt`: its data does not match its hash or format, or it was set aside; then `data`
 * is not to be used.
 */
export interface StoredBlock extends Block {
  readonly corrupt: boolean;
}

/** What a repeated request with the same Idempotency-Key gets again. */
export interface KeyAnswer {
  readonly lines: number;
  readonly bytes: number;
  readonly files: readonly string[];
}

export interface KeyRecord {
  readonly sourceId: string;
  readonly key: string;
  /** Hex SHA-256 of the request's lines as stored. */
  readonly bodySha256: string;
  readonly answer: KeyAnswer;
  readonly createdMs: number;
}

/**
 * stored: on a majority, journaled. collision: number n is taken (a seal, or another's block): this lane is over,
 * nothing of the write is stored. repeated: the key is known already; nothing was written, n is free. busy: the key is
 * being written elsewhere at this moment; nothing was written, n is free.
 */
export type InsertOutcome =
  | { readonly outcome: 'stored' }
  | { readonly outcome: 'collision' }
  | { readonly outcome: 'repeated'; readonly record: KeyRecord }
  | { readonly outcome: 'busy' };

export interface Journal {
  /** Registers a lane on a majority, before its first block. */
  openLane(lane: LaneRecord): Promise<void>;

  /**
   * Stores blocks of consecutive numbers, all or none (several, or any with a key, in one transaction).
   * Rejects with InputError/LimitError (definite: the content can't be stored, n is free), UnavailableError
   * (definite: nothing was sent, n is free) or UnknownOutcomeError (the lane has to be sealed).
   */
  insert(blocks: readonly Block[], key?: KeyRecord): Promise<InsertOutcome>;

  /** Record of a key within the window, read at majority. */
  findKey(sourceId: string, key: string): Promise<KeyRecord | undefined>;

  /**
   * Ends a lane: inserts a seal behind its highest document, then reads again, causally after it and at majority, until
   * the seal is the highest. Returns the seal's number. Idempotent; a sealed lane gives its seal again, after
   * the same check.
   */
  seal(lane: string): Promise<number>;

  /** Lanes without a seal, with blocks whose files are not all closed, or with blocks left to remove; oldest first. */
  unfinishedLanes(): Promise<readonly LaneStatus[]>;

  /** Blocks from number `from` to `to` (both included), in order, read at majority causally after own writes. */
  read(lane: string, from: number, to: number): AsyncIterable<StoredBlock>;

  /**
   * Records that every segment in blocks up to n belongs to a file whose state was read back at majority, then removes
   * these blocks, but never the lane's highest document. To be repeated while the lane is unfinished.
   */
  release(lane: string, throughN: number): Promise<void>;

  /** Marks a block that can't be read; it is kept for people and no longer holds its lane back. */
  setAsideBlock(lane: string, n: number, reason: string): Promise<void>;

  /** Ids, behind `after` and in their order, of lanes with a document in the journal, registered or not. */
  lanesWithEntries(after: string | undefined, limit: number): Promise<readonly string[]>;
  /** What is stored of a lane, from number `from` on, in order; without the data. */
  entries(lane: string, from: number, limit: number): Promise<readonly JournalEntry[]>;
  /** What is recorded of a lane, also of one that is over; undefined: it was never opened. */
  findLane(lane: string): Promise<RecordedLane | undefined>;
}

export interface JournalEntry {
  readonly n: number;
  readonly seal: boolean;
  /** Why it was set aside. */
  readonly setAside?: string;
}

export interface RecordedLane {
  readonly sealedAt: number | undefined;
  readonly releasedThrough: number;
  /** Sealed, and nothing is left to close or to remove. */
  readonly finished: boolean;
}

export interface LaneStatus extends LaneRecord {
  /** Number of the seal, or undefined while the lane is open. */
  readonly sealedAt: number | undefined;
  /** All files of blocks up to this number are closed; −1 at first. */
  readonly releasedThrough: number;
  /** Number of the last block stored in the lane, removed ones included; −1 when there was none. At majority. */
  readonly highestBlock: number;
}

/**
 * Blocks with a file that may not be closed yet. A block that was set aside counts until its lane is released beyond
 * it. Reads no block.
 */
export async function pendingBlocks(journal: Pick<Journal, 'unfinishedLanes'>): Promise<number> {
  const lanes = await journal.unfinishedLanes();
  return lanes.reduce((sum, { highestBlock, releasedThrough }) => sum + Math.max(0, highestBlock - releasedThrough), 0);
}
