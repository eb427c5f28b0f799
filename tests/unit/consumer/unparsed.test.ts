import { expect } from 'chai';
import { Registry } from 'prom-client';
import { MemoryVolume } from '../../../src/archive/memory-volume';
import { workOnFile } from '../../../src/consumer/file-work';
import { createConsumerMetrics } from '../../../src/consumer/metrics';
import { membersOf } from '../../../src/index/line-members';
import { MemoryIndex } from '../../../src/index/memory-index';
import type { NormaliserPool } from '../../../src/normaliser/ports';
import { COLLECTION, closeFile, running, workOptions } from './fixture';

const NAME = 'resilog_consumer_lines_unparsed_total';

describe('lines in which nothing was found', () => {
  const countsOf = async (registry: Registry): Promise<Record<string, number>> => {
    const metric = await registry.getSingleMetric(NAME)?.get();
    return Object.fromEntries((metric?.values ?? []).map(({ labels, value }) => [String(labels.source), value]));
  };

  it('are indexed all the same, and counted by their source', async () => {
    const volume = new MemoryVolume();
    const index = new MemoryIndex();
    await index.prepare(COLLECTION);
    const registry = new Registry();
    const knowing: NormaliserPool = {
      normalise: async (_version, inputs) => inputs.map(({ text }) => ({
        found: text.startsWith('known') ? membersOf({}, ['x-1.0']) : '', dateMs: undefined,
      })),
      close: async () => undefined,
    };
    const options = workOptions(volume, index, { normaliser: knowing, metrics: createConsumerMetrics(registry) });
    await closeFile(volume, 'a'.repeat(24), [['known 1', 'other', 'known 2', 'another', 'a third']]);
    await closeFile(volume, 'b'.repeat(24), [['known 3', 'x']], { sourceName: 'db' });
    await closeFile(volume, 'c'.repeat(24), [['known 4']], { sourceName: 'quiet' });
    for (const id of ['a', 'b', 'c']) await workOnFile(id.repeat(24), running, options);
    expect(await countsOf(registry)).to.deep.equal({ web: 3, db: 1 });
    await index.commit(COLLECTION, 'soft');
    expect(index.searchableIds(COLLECTION)).to.have.length(8);
  });

  it('have a bounded number of figures, however many sources there are', async () => {
    const registry = new Registry();
    const { unparsed } = createConsumerMetrics(registry);
    for (let i = 0; i < 1_000; i += 1) unparsed(`source-${i}`, 1);
    unparsed('source-0', 4);
    const counts = await countsOf(registry);
    expect(Object.keys(counts)).to.have.length(201);
    expect(counts).to.include({ 'source-0': 5, other: 800 });
  });
});
