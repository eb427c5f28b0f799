import { createHash } from 'node:crypto';
import { InputError } from '../errors';
import { resolveField, tagFields } from './fields';
import type { IndexQuery, SearchRequest } from './ports';

/** Most hits of one page, facets of one search, and values of one facet. */
export const MOST_ROWS = 10_000;
export const MOST_FACETS = 20;
export const FACET_VALUES = 100;
const MOST_SORTS = 8;

export interface SortField {
  readonly field: string;
  readonly order: 'asc' | 'desc';
}

/** The newest line first. */
const DEFAULT_SORT: readonly SortField[] = [{ field: 'date', order: 'desc' }];

export function sortOf(request: SearchRequest): readonly SortField[] {
  const sort = request.sort === undefined || request.sort.length === 0 ? DEFAULT_SORT : request.sort;
  if (sort.length > MOST_SORTS) throw new InputError(`At most ${String(MOST_SORTS)} fields can be sorted by.`);
  return sort;
}

/** The index's fields that hold what the user calls `name`: all of them are sorted by. */
export function fieldsToSort(name: string): readonly string[] {
  const field = resolveField(name);
  if (field.kind === 'exact' && field.field !== 'sourceID' && field.field !== 'normalizers') return [field.field];
  if (field.kind === 'date') return [field.field];
  if (field.kind === 'line') return ['line'];
  if (field.kind !== 'tag') throw new InputError(`Lines can't be sorted by "${name}".`);
  const { text, digits, numbers } = tagFields(field.names);
  return [...digits, ...numbers, ...text];
}

/** The index's fields that hold what the user calls `name`: their values are counted together. */
export function fieldsToFacet(name: string): readonly string[] {
  const field = resolveField(name);
  if (field.kind === 'exact' && field.field !== 'id' && field.field !== 'sourceID') return [field.field];
  if (field.kind === 'tagNames') return ['tags'];
  if (field.kind !== 'tag') throw new InputError(`The values of "${name}" can't be counted.`);
  const { text, digits, numbers } = tagFields(field.names);
  return [...text, ...digits, ...numbers];
}

export function checkRequest(request: SearchRequest): void {
  if (!Number.isInteger(request.rows) || request.rows < 0 || request.rows > MOST_ROWS) {
    throw new InputError(`The number of rows must be a whole number from 0 to ${String(MOST_ROWS)}.`);
  }
  if ((request.facets?.length ?? 0) > MOST_FACETS) {
    throw new InputError(`At most ${String(MOST_FACETS)} facets can be asked for at once.`);
  }
}

/** What ties a cursor to the search that it came from. */
function fingerprint(collections: readonly string[], query: IndexQuery, sort: readonly SortField[]): string {
  const entries = Object.entries(query).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify([collections, entries, sort])).digest('hex').slice(0, 16);
}

export function encodeCursor(collections: readonly string[], request: SearchRequest, position: string): string {
  const content = { v: 1, f: fingerprint(collections, request.query, sortOf(request)), p: position };
  return Buffer.from(JSON.stringify(content)).toString('base64url');
}

/** The position in a cursor of this very search; undefined without a cursor. InputError for another search's. */
export function decodeCursor(collections: readonly string[], request: SearchRequest): string | undefined {
  if (request.cursor === undefined) return undefined;
  const expected = fingerprint(collections, request.query, sortOf(request));
  try {
    const content: unknown = JSON.parse(Buffer.from(request.cursor, 'base64url').toString('utf8'));
    if (typeof content === 'object' && content !== null && 'f' in content && 'p' in content &&
      content.f === expected && typeof content.p === 'string') {
      return content.p;
    }
  } catch {
    // Told below, like any other cursor that is not ours.
  }
  throw new InputError('The cursor is not from this search.', {
    remedy: 'Repeat the query, its filters and its order exactly as on the page that the cursor came from.',
  });
}

/** The most frequent values first, then in the order of their characters. */
export function orderFacet(counts: ReadonlyMap<string, number>): { readonly value: string; readonly count: number }[] {
  return [...counts].map(([value, count]) => ({ value, count }))
    .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1))
    .slice(0, FACET_VALUES);
}
