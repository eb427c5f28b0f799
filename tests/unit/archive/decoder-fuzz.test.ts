import { expect } from 'chai';
import { decoderCases, fuzzDecoder } from '../../support/decoder-fuzz';
import { Seeded } from '../../support/seeded';

const SEED = 20_261_122;
const ROUNDS = 400;

describe('stored forms with changed bytes (a long run: make fuzz-input)', () => {
  for (const name of Object.keys(decoderCases)) {
    it(`${name} is the same, or is refused as corrupt: ${ROUNDS} mutations`, async () => {
      expect((await fuzzDecoder(name, new Seeded(SEED), ROUNDS)).slice(0, 5)).to.deep.equal([]);
    });
  }
});
