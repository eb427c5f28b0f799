import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { systemClock } from '../../src/clock';
import type { LogIndex } from '../../src/index/ports';
import { createSolrClient, type SolrClient } from '../../src/index/solr-client';
import { createSolrIndex } from '../../src/index/solr-index';

export const configsetFolder = join(__dirname, '..', '..', 'solr', 'resilog');

export interface SolrFixture {
  readonly client: SolrClient;
  readonly index: LogIndex;
  /** A name nobody else uses; the collection is removed by `close`. */
  newCollection(): string;
  /** Removes a collection before the end, if it is there. */
  remove(collection: string): Promise<void>;
  close(): Promise<void>;
}

/** An index on the tests' Solr, with collections of its own. */
export function solrFixture(solrUrl: string): SolrFixture {
  const client = createSolrClient({ baseUrls: () => [solrUrl], clock: systemClock });
  const names = new Set<string>();
  const remove = async (name: string): Promise<void> => {
    names.delete(name);
    await client.request({
      path: '/admin/collections', query: { action: 'DELETE', name }, effect: 'write', timeoutMs: 30_000,
    }).catch(() => undefined);
  };
  return {
    remove,
    client,
    index: createSolrIndex({ client, clock: systemClock, configsetFolder }),
    newCollection: () => {
      const name = `test_${randomBytes(6).toString('hex')}`;
      names.add(name);
      return name;
    },
    close: async () => {
      for (const name of names) await remove(name);
      await client.close();
    },
  };
}
