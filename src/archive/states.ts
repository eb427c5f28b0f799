import type { FileDescription } from './files';

/**
 * The port to state documents. The state of a file outlives the file and owns its life: queue items are hints.
 * Every change is conditional on phase and claim, and on a majority.
 */
export const Phase = {
  /** Closed, to be indexed. */
  closed: 'closed',
  /** Every line was accepted by the index, not yet proved to be on disk. */
  indexed: 'indexed',
  /** Count and sums agreed with the index after a hard commit. */
  verified: 'verified',
  /** Every line was deleted and the file removed. */
  gone: 'gone',
  /** Given up after too many attempts; waits for a person. */
  dead: 'dead',
  /** Its source is not indexed. */
  archived: 'archived',
} as const;
export type Phase = (typeof Phase)[keyof typeof Phase];

/** Deleted lines: disjoint ascending ranges [first, last], both included. */
export type LineRanges = readonly (readonly [first: number, last: number])[];

export interface FileState {
  readonly id: string;
  readonly phase: Phase;
  readonly sourceId: string;
  readonly sourceName: string;
  readonly volume: string;
  readonly lane: string;
  readonly lines: number;
  readonly firstReceivedMs: number;
  readonly lastReceivedMs: number;
  readonly closedMs: number;
  /** Fixed at close, so that a document is a function of stored things only. */
  readonly collection: string;
  readonly definitions: string;
  readonly timeZone: string;
  readonly maxIndexedLineBytes: number;
  /** Number of times that the file was taken; the fence of its indexing. */
  readonly claim: number;
  readonly position: number;
  /** Failed tries that count (dependencies were healthy). */
  readonly attempts: number;
  /** Claims since the file was closed or restarted or `advance` was called: many mean that its takers die of it. */
  readonly takes?: number;
  /** When it was last put into the queue, and last made progress; ms since the epoch; 0 = never. */
  readonly queuedMs: number;
  readonly progressMs: number;
  readonly tombstones: LineRanges;
  /** Changes of the tombstones. */
  readonly tombstoneVersion: number;
  /** Lines that the index refused; they count as absent when the file is verified. */
  readonly setAside: number;
  readonly reason?: string;
}

/** A line that the index refused. */
export interface SetAsideLine {
  readonly fileId: string;
  readonly line: number;
  readonly reason: string;
  readonly atMs: number;
}

/** What closing writes at once: the GridFS content and the state. */
export interface ClosingFile {
  readonly description: FileDescription;
  /** The stored file: concatenated zstd frames. */
  readonly content: Buffer;
  readonly state: FileState;
}

export interface StateQuery {
  readonly phases?: readonly Phase[];
  readonly sourceId?: string;
  /** Files with a line received at or before this time. */
  readonly receivedThroughMs?: number;
  /** Whose last progress was before the first time or after the second. */
  readonly progressOutsideMs?: readonly [fromMs: number, toMs: number];
  /** Enqueued last before the first time or after the second. */
  readonly queuedOutsideMs?: readonly [fromMs: number, toMs: number];
  readonly after?: string;
  readonly limit: number;
}

export interface States {
  /**
   * One transaction writes chunks, GridFS documents and states of all files. Returns `closed`, or `conflict` with
   * the ids that have a state already (somebody closed them): then nothing was written. No ids: another closer is at
   * it at this moment; nothing was written either. UnknownOutcomeError: may be done.
   */
  close(files: readonly ClosingFile[]): Promise<
    { readonly outcome: 'closed' } | { readonly outcome: 'conflict'; readonly existing: readonly string[] }
  >;
  /** Those of the ids that have a state, read at majority causally after own writes. */
  existing(ids: readonly string[]): Promise<ReadonlySet<string>>;

  get(id: string): Promise<FileState | undefined>;
  list(query: StateQuery): Promise<readonly FileState[]>;
  /** Files closed but not yet indexed; counting ends at `limit`. */
  countClosed(limit: number): Promise<number>;

  /** Takes a file for indexing: claim + 1. The new state, or the unchanged one when its phase is not `closed`. */
  claim(id: string, nowMs: number): Promise<FileState | undefined>;
  /**
   * Resolves when a majority knows that the file is still at work under this claim, which no former primary can say.
   * FencedError when it is not, or not `closed` any more.
   */
  keep(id: string, claim: number, nowMs: number): Promise<void>;
  /** Raises Position to at least `position` under this claim. FencedError when the claim is another's. */
  advance(id: string, claim: number, position: number, nowMs: number): Promise<void>;
  /** closed → indexed under this claim, Position = Lines. FencedError. */
  markIndexed(id: string, claim: number, nowMs: number): Promise<void>;
  /** indexed → verified, if claim and tombstoneVersion are those that were checked. False when they are not. */
  markVerified(id: string, claim: number, tombstoneVersion: number): Promise<boolean>;
  /**
   * Back to `closed` with claim + 1 and Position 0: index again from the start. Not from gone or archived. With a
   * reason it counts as a failed attempt.
   */
  restart(id: string, fromClaim: number, nowMs: number, failure?: string): Promise<boolean>;
  /** Counts a failed try under this claim; returns the number of attempts. */
  countAttempt(id: string, claim: number, reason: string): Promise<number>;
  /** closed → dead. */
  giveUp(id: string, claim: number, reason: string): Promise<void>;
  /** dead → closed, attempts 0, claim + 1, Position 0. False when it is not dead. */
  revive(id: string, nowMs: number): Promise<boolean>;
  /** Compare-and-set of queuedMs; true for the one that may enqueue the file again. */
  markQueued(
    ids: readonly { readonly id: string; readonly queuedMs: number }[], nowMs: number,
  ): Promise<readonly string[]>;

  /** Adds ranges (union) whatever the phase; RemLines follows. Returns the new state. */
  bury(id: string, ranges: LineRanges): Promise<FileState>;
  /**
   * Removes the file if tombstones cover all its lines and its phase is verified, dead or archived: then → gone, and
   * `progressMs` is the time of it. True when the file is gone now.
   */
  removeIfEmpty(id: string, nowMs: number): Promise<boolean>;
  /** Drops the state itself, if its phase is `gone`. The caller made sure that the file's lane is drained. */
  forget(id: string): Promise<boolean>;

  /** Upserts at majority, before Position passes the line. */
  setAside(line: SetAsideLine): Promise<void>;
  setAsideLines(
    query: { readonly fileId?: string; readonly after?: SetAsideLine; readonly limit: number },
  ): Promise<readonly SetAsideLine[]>;
  /** Forgets set-aside lines of a file, e.g. before it is indexed again. */
  clearSetAside(fileId: string): Promise<void>;
}
