import { UnavailableError } from '../errors';
import type { FileSums } from './ports';
import type { SolrClient } from './solr-client';
import { collectionStatus, shardLeaders, type Replica } from './solr-cluster';

const NOTHING: FileSums = { count: 0, lineSum: 0n, lineSquareSum: 0n };
const FILES_AT_ONCE = 500;

/**
 * Solr's functions compute in floats (24 bits) and its sums in doubles (53 bits), while the sum of the squares of 2^20
 * line numbers needs 59. So a line number is cut in two halves of ten bits, line = 1024·high + low, and the three
 * sums of products of halves are added up here: each product is below 2^22 and each sum below 2^43, so all are exact.
 */
const LOW = 'mod(line,1024)';
const HIGH = `div(sub(line,${LOW}),1024)`;
const FACETS = {
  lineSum: 'sum(line)',
  highSquares: `sum(product(${HIGH},${HIGH}))`,
  highLows: `sum(product(${HIGH},${LOW}))`,
  lowSquares: `sum(product(${LOW},${LOW}))`,
};

interface Bucket {
  readonly val: string;
  readonly count: number;
  readonly lineSum: number;
  readonly highSquares: number;
  readonly highLows: number;
  readonly lowSquares: number;
}

/** Sums per file on each shard's leader. All lines of a file are in one shard, so nothing need be added up. */
export async function leaderSums(
  client: SolrClient, collection: string, fileIds: readonly string[],
): Promise<ReadonlyMap<string, FileSums>> {
  const result = new Map<string, FileSums>(fileIds.map((id) => [id, NOTHING]));
  const leaders = await shardLeaders(client, collection);
  for (const leader of leaders) {
    for (const [id, sums] of await replicaSums(client, leader, fileIds)) {
      const other = result.get(id) ?? NOTHING;
      result.set(id, {
        count: other.count + sums.count,
        lineSum: other.lineSum + sums.lineSum,
        lineSquareSum: other.lineSquareSum + sums.lineSquareSum,
      });
    }
  }
  return result;
}

async function replicaSums(
  client: SolrClient, replica: Replica, fileIds: readonly string[],
): Promise<ReadonlyMap<string, FileSums>> {
  const result = new Map<string, FileSums>();
  for (let from = 0; from < fileIds.length; from += FILES_AT_ONCE) {
    const some = fileIds.slice(from, from + FILES_AT_ONCE);
    const answer = await client.request({
      baseUrl: replica.baseUrl,
      path: `/${replica.core}/select`,
      form: [
        ['q', `{!terms f=fileID}${some.join(',')}`],
        ['rows', '0'],
        ['distrib', 'false'],
        ['json.facet', JSON.stringify({ files: { type: 'terms', field: 'fileID', limit: -1, facet: FACETS } })],
        ['wt', 'json'],
      ],
      effect: 'read',
    });
    const header = answer.responseHeader as { readonly partialResults?: boolean } | undefined;
    if (header?.partialResults === true) throw new UnavailableError(`${replica.core} gave partial results only.`);
    const facets = answer.facets as { readonly files?: { readonly buckets: readonly Bucket[] } } | undefined;
    for (const bucket of facets?.files?.buckets ?? []) result.set(bucket.val, sumsOf(bucket));
  }
  return result;
}

function sumsOf(bucket: Bucket): FileSums {
  return {
    count: bucket.count,
    lineSum: BigInt(bucket.lineSum),
    lineSquareSum:
      BigInt(bucket.highSquares) * 1_048_576n + BigInt(bucket.highLows) * 2_048n + BigInt(bucket.lowSquares),
  };
}

/** The terms of the field, of which those of removed documents may still be there. Cheap: no document is looked at. */
export async function leaderFileIds(
  client: SolrClient, collection: string, after: string | undefined, limit: number,
): Promise<readonly string[]> {
  const ids = new Set<string>();
  for (const leader of await shardLeaders(client, collection)) {
    const answer = await client.request({
      baseUrl: leader.baseUrl,
      path: `/${leader.core}/terms`,
      query: {
        'terms': 'true', 'terms.fl': 'fileID', 'terms.sort': 'index', 'terms.limit': String(limit), 'distrib': 'false',
        'json.nl': 'arrarr', 'wt': 'json',
        ...(after === undefined ? {} : { 'terms.lower': after, 'terms.lower.incl': 'false' }),
      },
      effect: 'read',
    });
    const { terms } = answer as { readonly terms?: { readonly fileID?: readonly (readonly [string, number])[] } };
    for (const [id] of terms?.fileID ?? []) ids.add(id);
  }
  // All shards gave their first: together they have all of the first so many.
  return [...ids].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))).slice(0, limit);
}

/** Tells followers whose sums differ from their leader's to recover from it. Returns the replicas' names. */
export async function recoverFollowers(
  client: SolrClient, collection: string, fileIds: readonly string[],
): Promise<readonly string[]> {
  const status = await collectionStatus(client, collection);
  const told: string[] = [];
  for (const { replicas } of status?.shards ?? []) {
    const leader = replicas.find((replica) => replica.leader && replica.active);
    // Without a leader there is nothing to recover from; a copy that is not active is recovering already.
    if (leader === undefined) continue;
    const followers = replicas.filter((replica) => replica.active && replica !== leader);
    if (followers.length === 0) continue;
    const truth = await replicaSums(client, leader, fileIds);
    for (const follower of followers) {
      if (areEqual(truth, await replicaSums(client, follower, fileIds), fileIds)) continue;
      await client.request({
        baseUrl: follower.baseUrl,
        path: '/admin/cores',
        query: { action: 'REQUESTRECOVERY', core: follower.core },
        effect: 'write',
      });
      told.push(follower.name);
    }
  }
  return told;
}

function areEqual(
  a: ReadonlyMap<string, FileSums>, b: ReadonlyMap<string, FileSums>, fileIds: readonly string[],
): boolean {
  return fileIds.every((id) => {
    const x = a.get(id) ?? NOTHING;
    const y = b.get(id) ?? NOTHING;
    return x.count === y.count && x.lineSum === y.lineSum && x.lineSquareSum === y.lineSquareSum;
  });
}
