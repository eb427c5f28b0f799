import { expect } from 'chai';
import { Registry } from 'prom-client';
import { createNormaliserMetrics, exposeDefinitions } from '../../../src/normaliser/metrics';
import { treatment } from '../../../src/normaliser/pattern-control';
import { PatternOffences } from '../../../src/normaliser/pattern-offences';

describe('the normaliser’s figures', () => {
  it('count offences by pattern, with a bounded number of names, and show what is suspended', async () => {
    const registry = new Registry();
    const metrics = createNormaliserMetrics(registry);
    const offences = new PatternOffences(2);
    metrics.watch({
      statistics: () => ({ lines: 9, abandonedLines: 3, threadsLost: 4, queuedLines: 0 }),
      patternOffences: () => offences.all(),
    });
    for (let number = 0; number < 300; number += 1) {
      metrics.offended(offences.add('v', number, { normalizer: 'n-1.0', pattern: `p${number}` }, treatment.ordinary));
    }
    metrics.offended(offences.add('v', 7, { normalizer: 'n-1.0', pattern: 'p7' }, treatment.ordinary));
    const text = await registry.metrics();
    expect(text).to.contain('resilog_normaliser_pattern_offences_total{normalizer="n-1.0",pattern="p7"} 2');
    expect(text).to.contain('resilog_normaliser_pattern_offences_total{normalizer="other",pattern="other"} 100');
    expect(text).to.contain('resilog_normaliser_suspended_patterns 1');
    expect(text).to.contain('resilog_normaliser_abandoned_lines 3');
    expect(text).to.contain('resilog_normaliser_threads_lost 4');
  });
});

describe('the definitions in force', () => {
  it('are told by their version, and by no former one', async () => {
    const registry = new Registry();
    let version = '0123456789abcdef';
    exposeDefinitions(registry, () => version);
    expect(await registry.metrics()).to.contain('resilog_definitions_info{version="0123456789abcdef"} 1');
    version = 'fedcba9876543210';
    const text = await registry.metrics();
    expect(text).to.contain('resilog_definitions_info{version="fedcba9876543210"} 1');
    expect(text).not.to.contain('0123456789abcdef');
  });
});

describe('PatternOffences', () => {
  it('suspends a pattern after repeated offence, and for good only when that did not help', () => {
    const offences = new PatternOffences(2);
    const pattern = { normalizer: 'n-1.0', pattern: 'p' };
    const add = (matched: 0 | 1 | 2): number => offences.add('v', 5, pattern, matched).treatment;
    expect(offences.suspended('v')).to.deep.equal([]);
    // Threads that were at work with it at the same time may offend after the suspension, too.
    expect([add(0), add(0), add(0), add(0), add(0)]).to.deep.equal([0, 1, 1, 1, 1]);
    expect(offences.suspended('v')).to.deep.equal([{ pattern: 5, treatment: treatment.linear }]);
    expect(offences.suspended('w')).to.deep.equal([]);
    expect([add(1), add(1)]).to.deep.equal([1, 2]);
    expect(offences.all()).to.have.length(1);
    expect(offences.all()[0]).to.include({ ...pattern, offences: 7 });
  });
});
