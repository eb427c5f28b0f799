import type { IndexQuery } from '../index/ports';

/** A deletion is a stored request; it runs again until nothing received up to `throughMs` can appear any more. */
export interface DeletionRequest {
  readonly id: string;
  readonly query: IndexQuery;
  /** Time of the request (T): lines received later are not concerned. */
  readonly throughMs: number;
  readonly requestedBy: string;
  readonly state: 'pending' | 'done';
  /** Lanes that were alive at T and their highest block then: all of it must be closed before the request is done. */
  readonly lanes: readonly { readonly lane: string; readonly throughN: number }[];
  readonly lines: number;
  readonly files: number;
  /** ms since the epoch of the last pass. */
  readonly lastPassMs: number;
}

export interface Deletions {
  save(request: DeletionRequest): Promise<void>;
  get(id: string): Promise<DeletionRequest | undefined>;
  list(query: { readonly state?: DeletionRequest['state']; readonly limit: number }): Promise<readonly DeletionRequest[]>;
}
