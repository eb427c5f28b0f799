import type { Finding, FindingKind, Suspicion } from './finding';

/** What was gone over, and what was found. */
export interface Tally {
  readonly files: number;
  readonly lines: number;
  /** Stored bytes that were read and hashed. */
  readonly bytes: number;
  readonly findings: Readonly<Partial<Record<FindingKind, number>>>;
  readonly repaired: number;
  /** The first of the findings, at most `KEPT_FINDINGS`. */
  readonly first: readonly Finding[];
}

/** Findings that are kept with a round; all are counted. */
export const KEPT_FINDINGS = 50;

export const emptyTally: Tally = { files: 0, lines: 0, bytes: 0, findings: {}, repaired: 0, first: [] };

export function findingsIn({ findings }: Tally): number {
  return Object.values(findings).reduce((sum, count) => sum + count, 0);
}

/** A round in work: everything before the place was gone over. */
export interface Progress {
  readonly startedMs: number;
  readonly stage: string;
  /** Where in the stage; undefined: at its start. */
  readonly after?: string;
  readonly tally: Tally;
}

/** A round over everything that came to its end. */
export interface Report {
  readonly startedMs: number;
  readonly finishedMs: number;
  readonly tally: Tally;
}

/** Where rounds are kept, so that another consumer goes on with one, and people can read what the last one found. */
export interface AuditRecords {
  progress(): Promise<{ readonly progress: Progress | undefined; readonly revision: number }>;
  /**
   * Stores a place if nobody stored one since that revision; undefined: the round is over. False: somebody did, and
   * goes on with the round.
   */
  saveProgress(progress: Progress | undefined, revision: number): Promise<boolean>;
  last(): Promise<Report | undefined>;
  saveLast(report: Report): Promise<void>;
}

/** What a look saw. */
export interface Looked {
  readonly suspicions: readonly Suspicion[];
  readonly files?: number;
  readonly lines?: number;
  readonly bytes?: number;
}

export interface Page {
  /** The place behind it. */
  readonly after: string;
  look(): Promise<Looked>;
}

/** A part of a round: goes over one kind of thing in pages, in a fixed order. */
export interface Stage {
  /** Unique within a round; stored. */
  readonly name: string;
  /** The page behind the place; undefined: there is none. */
  page(after: string | undefined): Promise<Page | undefined>;
  /** Looks once more at subjects of former suspicions; those that are gone are left out. */
  again(subjects: readonly string[]): Promise<Looked>;
}
