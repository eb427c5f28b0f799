import { expect } from 'chai';
import { MemoryBudget } from '../../../src/producer/body-budget';
import { IntakeError } from '../../../src/producer/intake-error';

describe('the memory of bodies', () => {
  it('is refused and never waited for: eight half-read bodies do not block one another (schedule 31)', () => {
    const budget = new MemoryBudget(() => 80);
    const bodies = Array.from({ length: 8 }, () => budget.reserve(10));
    const refusals = bodies.filter((body) => {
      try {
        body.grow(10);
        return false;
      } catch (error) {
        expect(error).to.be.instanceOf(IntakeError).with.property('status', 503);
        body.release();
        return true;
      }
    });
    expect(refusals, 'one gives way, the next has room').to.have.length(4);
    expect(budget.used).to.equal(80);
    for (const body of bodies) body.release();
    expect(budget.used).to.equal(0);
  });
});
