import type { Clock } from '../clock';
import { InputError } from '../errors';
import type { LogIndex } from './ports';
import { addDocuments } from './solr-add';
import type { SolrClient } from './solr-client';
import { doubtingClient, prepareCollection } from './solr-cluster';
import { findSolrIds, searchSolr } from './solr-search';
import { leaderFileIds, leaderSums, recoverFollowers } from './solr-sums';

export interface SolrIndexOptions {
  readonly client: SolrClient;
  readonly clock: Clock;
  /** Folder of the configset's files: `solr/resilog` of the program. */
  readonly configsetFolder: string;
}

const IDS_OF_A_PAGE = 1_000;
const IDS_OF_A_REMOVAL = 5_000;
const REMOVAL_VISIBLE_MS = 1_000;
/** A hard commit of a full buffer may take longer than other requests; it is idempotent. */
const COMMIT_TIMEOUT_MS = 60_000;
const COLLECTION = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;

/** The index in SolrCloud. */
export function createSolrIndex(options: SolrIndexOptions): LogIndex {
  const client = doubtingClient(options.client);
  return {
    prepare: (collection, { shards, replicas }) =>
      prepareCollection(checked(collection), { ...options, shards, replicas }),
    add: (collection, documents, searchableWithinMs) =>
      addDocuments(client, checked(collection), documents, searchableWithinMs),
    removeIds: async (collection, ids) => {
      for (let from = 0; from < ids.length; from += IDS_OF_A_REMOVAL) {
        await client.request({
          path: `/${checked(collection)}/update`,
          query: { wt: 'json', commitWithin: String(REMOVAL_VISIBLE_MS) },
          body: {
            type: 'application/json',
            data: JSON.stringify({ delete: ids.slice(from, from + IDS_OF_A_REMOVAL) }),
          },
          effect: 'write',
        });
      }
    },
    commit: async (collection, kind) => {
      const how = kind === 'hard'
        ? { commit: 'true', openSearcher: 'true', waitSearcher: 'true' }
        : { softCommit: 'true', waitSearcher: 'true' };
      await client.request({
        path: `/${checked(collection)}/update`, query: { ...how, wt: 'json' },
        effect: 'write', timeoutMs: COMMIT_TIMEOUT_MS,
      });
    },
    sums: (collection, fileIds) => leaderSums(client, checked(collection), fileIds),
    recoverDifferingFollowers: (collection, fileIds) => recoverFollowers(client, checked(collection), fileIds),
    search: async (collections, request) => searchSolr(client, collections.map(checked), request),
    findIds: (collections, query) => findSolrIds(client, collections.map(checked), query, IDS_OF_A_PAGE),
    fileIds: (collection, after, limit) => leaderFileIds(client, checked(collection), after, limit),
    ping: async () => {
      await client.request({ path: '/admin/info/health', effect: 'read', timeoutMs: 3_000 });
    },
  };
}

/** Names of collections become parts of URLs. */
function checked(collection: string): string {
  if (!COLLECTION.test(collection)) throw new InputError(`"${collection}" can't be the name of a collection.`);
  return collection;
}
