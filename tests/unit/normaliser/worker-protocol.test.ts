import { expect } from 'chai';
import { unpackResults } from '../../../src/normaliser/packed-results';
import type { Normalised, NormaliserInput } from '../../../src/normaliser/ports';
import { packResults, plain } from './results';
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

  it('keeps results as they are, with what is undefined, and sends a body only if it is not the end of its line', () => {
    const inputs: NormaliserInput[] = ['x', `head: ${odd}`, 'y', ''].map((text) => ({ text, receivedMs: 0, timeZone: 'UTC' }));
    const matched = [{ normalizer: 'a-1.0', pattern: odd }];
    const results: Normalised[] = [
      { tags: { [odd]: odd, n: 0.5, m: -1, '': '' }, dateMs: 0, matched, body: '' },
      { tags: {}, dateMs: undefined, matched: [], body: odd },
      { tags: {}, dateMs: 1, matched: [...matched], body: 'other' },
      { tags: {}, dateMs: undefined, matched: [], body: undefined },
    ];
    const packed = structuredClone(packResults(results, inputs));
    expect(plain(unpackResults(packed, inputs))).to.deep.equal(results);
    expect(packed.texts, 'of the odd text only the value').to.deep.equal({ latin: `${odd}other`, wide: '' });
  });

  it('keeps the texts of lines beyond Latin-1 apart, for they would make all others wide', () => {
    const texts = ['caf\u00e9', '\u20ac 5', '', '\ud83d\ude00', 'plain'];
    const inputs = texts.map((text): NormaliserInput => ({ text, receivedMs: 0, timeZone: 'UTC' }));
    const packed = packInputs(inputs);
    expect(packed.texts).to.deep.equal({ latin: 'caf\u00e9plain', wide: '\u20ac 5\ud83d\ude00' });
    expect(unpackInputs(packed)).to.deep.equal(inputs);
    const results = texts.map((text, n): Normalised => (
      { tags: { text, n, again: text }, dateMs: undefined, matched: [], body: undefined }));
    const given = packResults(results, inputs);
    expect(given.texts.wide).to.equal('\u20ac 5\u20ac 5\ud83d\ude00\ud83d\ude00');
    const unpacked = unpackResults(structuredClone(given), inputs);
    expect(plain(unpacked)).to.deep.equal(results);
    expect(JSON.stringify(unpacked), 'printed as any other result').to.equal(JSON.stringify(results));
  });
});
