import { expect } from 'chai';
import { fuzzRequests } from '../../support/request-fuzz';

describe('intake and requests with changed bytes (a long run: make fuzz-input)', function () {
  this.timeout(60_000);

  it('stays alive, and has exactly the lines that it acknowledged', async () => {
    const report = await fuzzRequests({ seed: 20_261_122, connections: 384 });
    expect(report.problems.slice(0, 5)).to.deep.equal([]);
    expect(report.acknowledgedLines).to.be.greaterThan(100);
    expect(report.statuses).to.include.keys('200', '400');
  });
});
