import { expect } from 'chai';
import { systemClock } from '../../../src/clock';
import { isRetryable } from '../../../src/retry';
import { aDocument } from '../../conformance/index/log-index-suite';
import { startCluster, type Cluster } from '../../support/cluster';
import { serversOf } from '../../support/servers';
import { solrFixture, type SolrFixture } from '../../support/solr-collections';

const BATCHES = 60;
const LINES_OF_A_BATCH = 200;

describe('a Solr node that gets kill -9 while documents are added', function suite() {
  this.timeout(240_000);
  let cluster: Cluster;
  let fixture: SolrFixture;

  before(async () => {
    cluster = await startCluster({ onlyServers: true });
    fixture = solrFixture((await serversOf(cluster)).solrUrl);
  });

  after(async () => {
    await fixture?.client.close();
    await cluster?.stop();
  });

  it('loses no batch that was acknowledged, and repeated batches double nothing', async () => {
    const { index } = fixture;
    const collection = fixture.newCollection();
    await index.prepare(collection, { shards: 1, replicas: 1 });
    const file = 'f'.repeat(24);
    let failures = 0;
    const addUntilAccepted = async (batch: number): Promise<void> => {
      const documents = Array.from(
        { length: LINES_OF_A_BATCH }, (_, i) => aDocument(file, batch * LINES_OF_A_BATCH + i));
      for (let attempt = 0; attempt < 400; attempt += 1) {
        try {
          expect(await index.add(collection, documents)).to.deep.equal([]);
          return;
        } catch (error) {
          if (!isRetryable(error)) throw error;
          failures += 1;
          await systemClock.sleep(250);
        }
      }
      throw new Error('Solr did not come back');
    };
    for (let batch = 0; batch < BATCHES; batch += 1) {
      if (batch === 20 || batch === 40) {
        const adding = addUntilAccepted(batch);
        await cluster.kill9('solr-1');
        await adding;
      } else {
        await addUntilAccepted(batch);
      }
    }
    expect(failures).to.be.greaterThan(0);
    await index.commit(collection, 'hard');
    const count = BATCHES * LINES_OF_A_BATCH;
    const last = BigInt(count - 1);
    expect((await index.sums(collection, [file])).get(file)).to.deep.equal({
      count, lineSum: last * (last + 1n) / 2n, lineSquareSum: last * (last + 1n) * (2n * last + 1n) / 6n,
    });
  });
});
