import { expect } from 'chai';
import type { Normalised, NormaliserInput } from '../../../src/normaliser/ports';
import { packInputs, packResults, unpackInputs, unpackResults } from '../../../src/normaliser/worker-protocol';

describe('what goes between the pool and its threads', () => {
  const odd = 'é\0\ud800\u2028"\\\ufeff';

  it('keeps inputs as they are, with one zone or several', () => {
    const timeZone = 'Asia/Tokyo';
    const same: NormaliserInput[] = [{ text: odd, receivedMs: 1.5, timeZone }, { text: '', receivedMs: -1, timeZone }];
    const mixed = [...same, { text: 'x', receivedMs: 2 ** 52, timeZone: 'UTC' }];
    for (const inputs of [[], same, mixed]) {
      expect(unpackInputs(structuredClone(packInputs(inputs)))).to.deep.equal(inputs);
    }
  });

  it('keeps results as they are, with what is undefined', () => {
    const results: Normalised[] = [
      { tags: { [odd]: odd, n: 0.5 }, dateMs: 0, matched: [{ normalizer: 'a-1.0', pattern: odd }], body: '' },
      { tags: {}, dateMs: undefined, matched: [], body: undefined },
    ];
    expect(unpackResults(packResults(results))).to.deep.equal(results);
  });
});
