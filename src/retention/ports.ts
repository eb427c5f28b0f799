import type { IndexQuery } from '../index/ports';

/** A deletion is a stored request; it runs again until nothing received up to `throughMs` can appear any more. */
export interface DeletionRequest {
  readonly id: string;
  readonly query: IndexQuery;
  /** Time of the request (T): lines received later are not concerned. */
  readonly throughMs: number;
  readonly requestedBy: string;
  readonly state: 'pending' | 'done';
  /**
   * Lanes that were not drained once no body received up to T could be written any more, and their highest block
   * then: all of it must be closed before the request is done. Empty until `lanesMs`.
   */
  readonly lanes: readonly { readonly lane: string; readonly throughN: number }[];
  /** When `lanes` was read; ms since the epoch. */
  readonly lanesMs?: number;
  /** Since when everything received up to T is closed and verified (or never will be indexed). */
  readonly settledMs?: number;
  /** Lines deleted so far and files that they were in; a pass that was killed may be missing from them. */
  readonly lines: number;
  readonly files: number;
  /** ms since the epoch of the last pass. */
  readonly lastPassMs: number;
  /** Number of changes since it was made: a change is made to what was read, or not at all. */
  readonly revision: number;
}

/** Which requests, by time of the request: oldest first unless `newestFirst`, and only those behind `after`. */
export interface DeletionsQuery {
  readonly state?: DeletionRequest['state'];
  readonly after?: Pick<DeletionRequest, 'throughMs' | 'id'>;
  readonly newestFirst?: boolean;
  readonly limit: number;
}

export interface Deletions {
  create(request: DeletionRequest): Promise<void>;
  /** Stores a change of the request of this revision, as the next one. False when it has changed since it was read. */
  update(request: DeletionRequest): Promise<boolean>;
  get(id: string): Promise<DeletionRequest | undefined>;
  list(query: DeletionsQuery): Promise<readonly DeletionRequest[]>;
}
