import { noFaults, type Faults } from '../archive/faults';
import { NotFoundError } from '../errors';
import { storeTag } from './fields';
import { type KeptDocument, matcherOf } from './memory-query';
import type { FileSums, IndexDocument, IndexQuery, LogIndex, Refusal, SearchRequest, SearchResult } from './ports';
import {
  checkRequest, decodeCursor, encodeCursor, fieldsToFacet, fieldsToSort, orderFacet, sortOf, type SortField,
} from './search-request';
import { readMembers } from './line-members';

export interface MemoryIndexOptions {
  /** Called before and after each effect; `add` and `removeIds` have an effect for each half of their batch. */
  readonly faults?: Faults;
  /** Why a document is refused; undefined: it is not. */
  readonly refuse?: (document: IndexDocument) => string | undefined;
  readonly idsOfAPage?: number;
}

interface Collection {
  /** What was accepted last; a power cut loses what is not in `durable`. */
  current: Map<string, KeptDocument>;
  searchable: ReadonlyMap<string, KeptDocument>;
  durable: ReadonlyMap<string, KeptDocument>;
}

/**
 * The index in memory with Solr's semantics: accepted documents are searchable after a commit, and survive a power
 * cut only after a hard one. Deterministic; for unit tests and the simulator.
 */
export class MemoryIndex implements LogIndex {
  private readonly collections = new Map<string, Collection>();
  private readonly faults: Faults;

  constructor(private readonly options: MemoryIndexOptions = {}) {
    this.faults = options.faults ?? noFaults;
  }

  async prepare(collection: string): Promise<void> {
    await this.effect('index.prepare', () => {
      if (this.collections.has(collection)) return;
      this.collections.set(collection, { current: new Map(), searchable: new Map(), durable: new Map() });
    });
  }

  async add(
    collection: string, documents: readonly IndexDocument[], searchableWithinMs?: number,
  ): Promise<readonly Refusal[]> {
    const refusals: Refusal[] = [];
    for (const half of halves(documents)) {
      await this.effect('index.add', () => {
        const opened = this.open(collection);
        const { current } = opened;
        for (const document of half) {
          const reason = this.options.refuse?.(document);
          if (reason === undefined) current.set(document.id, { ...document, ...readMembers(document.found) });
          else refusals.push({ id: document.id, reason });
        }
        if (searchableWithinMs !== undefined) opened.searchable = new Map(current);
      });
    }
    return refusals;
  }

  async removeIds(collection: string, ids: readonly string[]): Promise<void> {
    for (const half of halves(ids)) {
      await this.effect('index.removeIds', () => {
        const { current } = this.open(collection);
        for (const id of half) current.delete(id);
      });
    }
  }

  async commit(collection: string, kind: 'soft' | 'hard'): Promise<void> {
    await this.effect(`index.commit.${kind}`, () => {
      const opened = this.open(collection);
      opened.searchable = new Map(opened.current);
      if (kind === 'hard') opened.durable = opened.searchable;
    });
  }

  async sums(collection: string, fileIds: readonly string[]): Promise<ReadonlyMap<string, FileSums>> {
    const result = new Map<string, FileSums>(fileIds.map((id) => [id, { count: 0, lineSum: 0n, lineSquareSum: 0n }]));
    await this.effect('index.sums', () => {
      for (const { fileId, line } of this.open(collection).searchable.values()) {
        const sums = result.get(fileId);
        if (sums === undefined) continue;
        const exact = BigInt(line);
        result.set(fileId, {
          count: sums.count + 1, lineSum: sums.lineSum + exact, lineSquareSum: sums.lineSquareSum + exact * exact,
        });
      }
    });
    return result;
  }

  async recoverDifferingFollowers(): Promise<readonly string[]> {
    return [];
  }

  async search(collections: readonly string[], request: SearchRequest): Promise<SearchResult> {
    checkRequest(request);
    const sort = sortOf(request);
    for (const { field } of sort) fieldsToSort(field);
    const after = decodeCursor(collections, request);
    const found = await this.find(collections, request.query);
    const ordered = found.sort((a, b) => compare(a, b, sort));
    const from = after === undefined ? 0 : ordered.findIndex(({ id }) => id === after) + 1;
    const page = ordered.slice(from, from + request.rows);
    const last = page.at(-1);
    return {
      count: found.length,
      hits: page.map((document) => ({
        id: document.id,
        fileID: document.fileId,
        line: document.line,
        source: document.source,
        date: new Date(document.dateMs).toISOString(),
        received: new Date(document.receivedMs).toISOString(),
        tags: document.tags,
      })),
      cursor: last !== undefined && page.length === request.rows
        ? encodeCursor(collections, request, last.id) : undefined,
      facets: Object.fromEntries((request.facets ?? []).map((name) => [name, facetOf(found, name)])),
    };
  }

  async* findIds(collections: readonly string[], query: IndexQuery): AsyncIterable<readonly string[]> {
    const rows = this.options.idsOfAPage ?? 1_000;
    const ids = (await this.find(collections, query)).map(({ id }) => id).sort(compareText);
    for (let from = 0; from < ids.length; from += rows) {
      await this.effect('index.findIds', () => undefined);
      yield ids.slice(from, from + rows);
    }
  }

  async fileIds(collection: string, after: string | undefined, limit: number): Promise<readonly string[]> {
    let ids: readonly string[] = [];
    await this.effect('index.fileIds', () => {
      ids = [...new Set([...this.open(collection).searchable.values()].map(({ fileId }) => fileId))];
    });
    return ids.filter((id) => after === undefined || compareText(id, after) > 0).sort(compareText).slice(0, limit);
  }

  async ping(): Promise<void> {
    await this.effect('index.ping', () => undefined);
  }

  /** A power cut: what no hard commit wrote is gone. */
  losePower(): void {
    for (const opened of this.collections.values()) {
      opened.current = new Map(opened.durable);
      opened.searchable = opened.durable;
    }
  }

  /** Ids that a searcher sees, in order: for the assertions of tests. */
  searchableIds(collection: string): readonly string[] {
    return [...this.open(collection).searchable.keys()].sort(compareText);
  }

  /** Of the collections that were prepared: for the assertions of tests. */
  collectionNames(): readonly string[] {
    return [...this.collections.keys()];
  }

  private async find(collections: readonly string[], query: IndexQuery): Promise<KeptDocument[]> {
    const matches = matcherOf(query);
    let found: KeptDocument[] = [];
    await this.effect('index.search', () => {
      found = collections.flatMap((name) => [...this.open(name).searchable.values()].filter(matches));
    });
    return found;
  }

  private open(name: string): Collection {
    const found = this.collections.get(name);
    if (found === undefined) throw new NotFoundError(`There is no collection "${name}".`);
    return found;
  }

  private async effect(name: string, apply: () => void): Promise<void> {
    await this.faults(name, 'before');
    apply();
    await this.faults(name, 'after');
  }
}

function halves<T>(items: readonly T[]): (readonly T[])[] {
  if (items.length === 0) return [];
  const middle = Math.ceil(items.length / 2);
  return items.length === 1 ? [items] : [items.slice(0, middle), items.slice(middle)];
}

function compareText(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** A document's value in one of the index's fields; undefined when it has none. */
function valueIn(document: KeptDocument, field: string): string | number | undefined {
  switch (field) {
    case 'id': return document.id;
    case 'fileID': return document.fileId;
    case 'source': return document.source;
    case 'date': return document.dateMs;
    case 'received': return document.receivedMs;
    case 'line': return document.line;
    case 'definitions': return document.definitions;
    default:
      for (const [name, value] of Object.entries(document.tags)) {
        const [stored, kept] = storeTag(name, value);
        if (stored === field) return kept;
      }
      return undefined;
  }
}

/** Documents without a value come last in either order, as in the schema. */
function compare(a: KeptDocument, b: KeptDocument, sort: readonly SortField[]): number {
  for (const { field: name, order } of sort) {
    for (const field of fieldsToSort(name)) {
      const x = valueIn(a, field);
      const y = valueIn(b, field);
      if (x === y) continue;
      if (x === undefined) return 1;
      if (y === undefined) return -1;
      const difference = typeof x === 'number' && typeof y === 'number' ? x - y : compareText(String(x), String(y));
      if (difference !== 0) return order === 'asc' ? difference : -difference;
    }
  }
  return compareText(a.id, b.id);
}

function facetOf(documents: readonly KeptDocument[], name: string): readonly { value: string; count: number }[] {
  const counts = new Map<string, number>();
  for (const document of documents) {
    for (const field of fieldsToFacet(name)) {
      for (const value of facetValues(document, field)) {
        counts.set(String(value), (counts.get(String(value)) ?? 0) + 1);
      }
    }
  }
  return orderFacet(counts);
}

function facetValues(document: KeptDocument, field: string): readonly (string | number)[] {
  if (field === 'tags') return Object.keys(document.tags);
  if (field === 'normalizers') return document.normalizers;
  const value = valueIn(document, field);
  return value === undefined ? [] : [value];
}
