import { expect } from 'chai';
import { unpackResults } from '../../../src/normaliser/packed-results';
import type { NormalisedLine, NormaliserInput } from '../../../src/normaliser/ports';
import { packResults } from './results';
import { packInputs, unpackInputs } from '../../../src/normaliser/worker-protocol';

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
    const inputs: NormaliserInput[] = ['x', odd, 'y', ''].map((text) => ({ text, receivedMs: 0, timeZone: 'UTC' }));
    const results: NormalisedLine[] = [
      { dateMs: 0, found: odd },
      { dateMs: undefined, found: '' },
      { dateMs: 1, found: 'other' },
      { dateMs: undefined, found: '\u20ac' },
    ];
    expect(unpackResults(structuredClone(packResults(results, inputs)))).to.deep.equal(results);
  });

  it('keeps the texts of lines beyond Latin-1 apart, for they would make all others wide', () => {
    const texts = ['caf\u00e9', '\u20ac 5', '', '\ud83d\ude00', 'plain'];
    const inputs = texts.map((text): NormaliserInput => ({ text, receivedMs: 0, timeZone: 'UTC' }));
    const packed = packInputs(inputs);
    expect(packed.texts).to.deep.equal({ latin: 'caf\u00e9plain', wide: '\u20ac 5\ud83d\ude00' });
    expect(unpackInputs(packed)).to.deep.equal(inputs);
    const results = texts.map((text, n): NormalisedLine => ({ dateMs: n, found: `${text}${text}` }));
    const given = packResults(results, inputs);
    expect(given.texts).to.deep.equal({ latin: 'caf\u00e9caf\u00e9plainplain', wide: '\u20ac 5\u20ac 5\ud83d\ude00\ud83d\ude00' });
    expect(unpackResults(structuredClone(given))).to.deep.equal(results);
  });
});
