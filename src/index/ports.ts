/** One line as it is indexed. Derived from stored things only, so indexing it again changes nothing. */
export interface IndexDocument {
  /** `<fileId>!<line>`. */
  readonly id: string;
  readonly fileId: string;
  readonly line: number;
  readonly sourceId: string;
  readonly source: string;
  /** The line's own date, or the time of reception; ms since the epoch. */
  readonly dateMs: number;
  readonly receivedMs: number;
  /** The line's text, cut to the indexed length. */
  readonly text: string;
  readonly truncated: boolean;
  /** What was found in it, see `membersOf`; empty: nothing, and it is indexed raw. */
  readonly found: string;
  readonly definitions: string;
}

/** What is searched for: free text and tags mixed, see docs/specs/search.md, and filters that all must hold. */
export interface IndexQuery {
  /** The user's query text; empty or `*` = everything. */
  readonly text: string;
  readonly source?: string;
  readonly sourceId?: string;
  readonly fileId?: string;
  /** ms since the epoch, of the line's date; `from` included, `to` excluded. */
  readonly fromMs?: number;
  readonly toMs?: number;
  readonly receivedThroughMs?: number;
  readonly tags?: readonly { readonly name: string; readonly value: string }[];
}

export interface SearchRequest {
  readonly query: IndexQuery;
  readonly rows: number;
  /** Opaque; from the former page. */
  readonly cursor?: string;
  readonly sort?: readonly { readonly field: string; readonly order: 'asc' | 'desc' }[];
  readonly facets?: readonly string[];
}

/** A hit: core fields and tags; the text itself comes from the archive unless the index keeps it. */
export interface Hit {
  readonly id: string;
  readonly fileID: string;
  readonly line: number;
  readonly source: string;
  readonly date: string;
  readonly received: string;
  readonly message?: string;
  readonly tags: Readonly<Record<string, string | number | readonly string[]>>;
}

export interface SearchResult {
  readonly count: number;
  readonly hits: readonly Hit[];
  /** Undefined when there are no further hits. */
  readonly cursor: string | undefined;
  readonly facets: Readonly<Record<string, readonly { readonly value: string; readonly count: number }[]>>;
}

/** Documents that the index refused for what they contain. All others of the batch were accepted. */
export interface Refusal {
  readonly id: string;
  readonly reason: string;
}

/** What the index holds of one file, after a commit that opened a searcher, on the leader. */
export interface FileSums {
  readonly count: number;
  readonly lineSum: bigint;
  readonly lineSquareSum: bigint;
}

export interface LogIndex {
  /** Uploads the configset and makes the collection if missing; idempotent; the caller holds a lock. */
  prepare(collection: string, options: { readonly shards: number; readonly replicas: number }): Promise<void>;
  /**
   * Adds or replaces. Resolves when every live replica logged the batch, with the refusals (found by bisection).
   * UnavailableError/UnknownOutcomeError: may be half applied, send it again. With `searchableWithinMs` the index makes
   * them searchable by itself, once for all who ask in that time; without, the next commit does.
   */
  add(
    collection: string, documents: readonly IndexDocument[], searchableWithinMs?: number,
  ): Promise<readonly Refusal[]>;
  /** Searches show the removal within seconds, or after the next commit. */
  removeIds(collection: string, ids: readonly string[]): Promise<void>;
  /** soft: searchable. hard: on disk, and a searcher opened. */
  commit(collection: string, kind: 'soft' | 'hard'): Promise<void>;
  /** Sums per file id on each shard's leader. A file without documents has count 0. */
  sums(collection: string, fileIds: readonly string[]): Promise<ReadonlyMap<string, FileSums>>;
  /** Asks followers whose sums differ from the leader's to recover. Returns their names. */
  recoverDifferingFollowers(collection: string, fileIds: readonly string[]): Promise<readonly string[]>;
  search(collections: readonly string[], request: SearchRequest): Promise<SearchResult>;
  /** Every id that matches, paged by cursor, in id order. */
  findIds(collections: readonly string[], query: IndexQuery): AsyncIterable<readonly string[]>;
  /**
   * Ids of files that have documents, behind `after` and in their order, as of the last commit. It may name some whose
   * documents were all removed. NotFoundError when there is no such collection.
   */
  fileIds(collection: string, after: string | undefined, limit: number): Promise<readonly string[]>;
  ping(): Promise<void>;
}
