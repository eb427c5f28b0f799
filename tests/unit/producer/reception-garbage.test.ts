import { expect } from 'chai';
import { createReceptionGarbage } from '../../../src/producer/reception-garbage';

describe('garbage of reception', () => {
  it('is collected every few megabytes', () => {
    let collections = 0;
    const received = createReceptionGarbage(() => { collections += 1; });
    for (let step = 0; step < 100; step += 1) received(1024 * 1024);
    expect(collections).to.equal(8);
  });

  it('finds the collector of this program', () => {
    expect(() => { createReceptionGarbage()(1e9); }).to.not.throw();
  });
});
