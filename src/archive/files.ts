/** The port to closed files: an immutable sequence of one source's lines, as concatenated zstd frames in GridFS. */

/** One zstd frame of a file. `zstdcat` over the whole file gives the lines; one line needs one of these only. */
export interface FileBlock {
  /** Where the frame starts in the stored file, and its length, in bytes. */
  readonly offset: number;
  readonly length: number;
  readonly rawBytes: number;
  readonly firstLine: number;
  readonly lines: number;
  /**
   * Times of reception as runs: [number of lines, ms since the epoch] in order; the counts add up to `lines`.
   */
  readonly receptions: readonly (readonly [lines: number, receivedMs: number])[];
  /** Hex SHA-256 of the frame as stored. */
  readonly sha256: string;
}

export interface FileDescription {
  /** 24 hex digits, the GridFS `_id`. */
  readonly id: string;
  readonly sourceId: string;
  /** The source's name when the file was closed. */
  readonly Source: string;
  readonly Lines: number;
  /** Lines − deleted lines. */
  readonly RemLines: number;
  /** Number of the next line to index; equals Lines at the end. */
  readonly Position: number;
  readonly formatVersion: number;
  readonly volume: string;
  readonly lane: string;
  /** Raw bytes, LFs included, and bytes as stored. */
  readonly bytes: number;
  readonly storedBytes: number;
  /** Hex SHA-256 of the raw lines, LFs included. */
  readonly sha256: string;
  readonly firstReceivedMs: number;
  readonly lastReceivedMs: number;
  readonly closedMs: number;
  readonly blocks: readonly FileBlock[];
  /** Lines known to be missing since a journal block could not be read; 0 in health. */
  readonly gapLines: number;
}

/** A decoded block: its raw lines, each ended by LF. */
export interface FileBlockContent extends FileBlock {
  readonly raw: Buffer;
}

export interface FileQuery {
  readonly sourceName?: string;
  readonly sourceId?: string;
  /** Ids greater than this one, for paging in id order. */
  readonly after?: string;
  readonly limit: number;
}

export interface Files {
  describe(id: string): Promise<FileDescription | undefined>;
  list(query: FileQuery): Promise<readonly FileDescription[]>;
  /** Blocks from the one that holds line `fromLine` on. CorruptionError when one does not match its hash. */
  readBlocks(file: FileDescription, fromLine: number): AsyncIterable<FileBlockContent>;
  /** One archived line with its LF; touches one block. NotFoundError beyond the end. */
  readLine(file: FileDescription, line: number): Promise<Buffer>;
}
