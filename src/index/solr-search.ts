import { InputError, UnavailableError } from '../errors';
import type { IndexQuery, SearchRequest, SearchResult } from './ports';
import {
  FACET_VALUES, checkRequest, decodeCursor, encodeCursor, fieldsToFacet, fieldsToSort, orderFacet, sortOf,
} from './search-request';
import type { SolrAnswer, SolrClient } from './solr-client';
import { HIT_FIELDS, toHit } from './solr-document';
import { compileQuery } from './solr-query';

type Facets = SearchResult['facets'];
type RawFacets = Readonly<Record<string, { readonly buckets: readonly { val: unknown; count: number }[] } | undefined>>;

export async function searchSolr(
  client: SolrClient, collections: readonly string[], request: SearchRequest,
): Promise<SearchResult> {
  checkRequest(request);
  const position = decodeCursor(collections, request);
  const [collection] = collections;
  if (collection === undefined) {
    return { count: 0, hits: [], cursor: undefined, facets: {} };
  }
  const paged = request.rows > 0;
  const sort = sortOf(request).flatMap(({ field, order }) => fieldsToSort(field).map((name) => `${name} ${order}`));
  const answer = await select(client, collections, [
    ...queryParameters(request.query),
    ['rows', String(request.rows)],
    ['fl', HIT_FIELDS],
    ...(paged ? [['sort', withId(sort)], ['cursorMark', position ?? '*']] as const : []),
    ...facetParameters(request.facets),
  ]);
  const response = responseOf(answer);
  const next = typeof answer.nextCursorMark === 'string' ? answer.nextCursorMark : undefined;
  const more = paged && next !== undefined && next !== position && response.docs.length === request.rows;
  return {
    count: response.numFound,
    hits: response.docs.map(toHit),
    cursor: more ? encodeCursor(collections, request, next) : undefined,
    facets: readFacets(request.facets, answer.facets as RawFacets | undefined),
  };
}

/** Ids that match, in id order, a page at a time; each page's cursor is a value, so removing ids meanwhile is safe. */
export async function* findSolrIds(
  client: SolrClient, collections: readonly string[], query: IndexQuery, rows: number,
): AsyncIterable<readonly string[]> {
  if (collections.length === 0) return;
  for (let cursor = '*'; ;) {
    const answer = await select(client, collections, [
      ...queryParameters(query), ['rows', String(rows)], ['fl', 'id'], ['sort', 'id asc'], ['cursorMark', cursor],
    ]);
    const { docs } = responseOf(answer);
    if (docs.length > 0) yield docs.map(({ id }) => String(id));
    const next = String(answer.nextCursorMark);
    if (docs.length < rows || next === cursor) return;
    cursor = next;
  }
}

/** Paging needs an order without ties. */
function withId(sort: readonly string[]): string {
  return sort.some((part) => part.startsWith('id ')) ? sort.join(',') : [...sort, 'id asc'].join(',');
}

function queryParameters(query: IndexQuery): (readonly [string, string])[] {
  const { q, fq } = compileQuery(query);
  return [['q', q], ['defType', 'lucene'], ['df', 'message'], ['q.op', 'AND'],
    ...fq.map((filter) => ['fq', filter] as const)];
}

async function select(
  client: SolrClient, collections: readonly string[], parameters: readonly (readonly [string, string])[],
): Promise<SolrAnswer> {
  return client.request({
    path: `/${collections[0] ?? ''}/select`,
    form: [...parameters, ['collection', collections.join(',')], ['wt', 'json']],
    effect: 'read',
  });
}

interface Response {
  readonly numFound: number;
  readonly docs: readonly Readonly<Record<string, unknown>>[];
}

function responseOf(answer: SolrAnswer): Response {
  const header = answer.responseHeader as { readonly partialResults?: boolean } | undefined;
  if (header?.partialResults === true) throw new UnavailableError('Solr gave partial results only.');
  return answer.response as Response;
}

function facetParameters(facets: readonly string[] | undefined): (readonly [string, string])[] {
  if (facets === undefined || facets.length === 0) return [];
  const asked: Record<string, unknown> = {};
  facets.forEach((name, i) => {
    if (facets.indexOf(name) !== i) throw new InputError(`The facet "${name}" is asked for twice.`);
    fieldsToFacet(name).forEach((field, j) => {
      asked[`${String(i)}_${String(j)}`] = { type: 'terms', field, limit: FACET_VALUES, mincount: 1 };
    });
  });
  return [['json.facet', JSON.stringify(asked)]];
}

function readFacets(names: readonly string[] | undefined, raw: RawFacets | undefined): Facets {
  const facets: Record<string, readonly { readonly value: string; readonly count: number }[]> = {};
  (names ?? []).forEach((name, i) => {
    const counts = new Map<string, number>();
    fieldsToFacet(name).forEach((_, j) => {
      for (const { val, count } of raw?.[`${String(i)}_${String(j)}`]?.buckets ?? []) {
        counts.set(String(val), (counts.get(String(val)) ?? 0) + count);
      }
    });
    facets[name] = orderFacet(counts);
  });
  return facets;
}
