import { servers } from '../../support/servers';
import { solrFixture, type SolrFixture } from '../../support/solr-collections';
import { describeLogIndex } from './log-index-suite';

describe('SolrCloud', () => {
  let fixture: SolrFixture | undefined;

  after(async function close() {
    this.timeout(60_000);
    await fixture?.close();
  });

  describeLogIndex('SolrCloud', async () => {
    fixture = solrFixture((await servers()).solrUrl);
    const collection = fixture.newCollection();
    await fixture.index.prepare(collection, { shards: 1, replicas: 1 });
    return { index: fixture.index, collection };
  });
});
