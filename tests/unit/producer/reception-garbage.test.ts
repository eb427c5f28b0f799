import { expect } from 'chai';
import { createReceptionGarbage } from '../../../src/producer/reception-garbage';

describe('garbage of reception', () => {
  it('is collected every megabyte, and what has grown old now and then', () => {
    const collections = { minor: 0, major: 0 };
    const received = createReceptionGarbage(({ type }) => { collections[type] += 1; });
    for (let step = 0; step < 400; step += 1) received(512 * 1024);
    expect(collections).to.deep.equal({ minor: 198, major: 2 });
  });

  it('finds the collector of this program', () => {
    expect(() => { createReceptionGarbage()(1e9); }).to.not.throw();
  });
});
