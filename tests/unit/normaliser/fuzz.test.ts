import { expect } from 'chai';
import { loadDefinitions } from '../../../src/process/definitions';
import { fuzzLines, fuzzLoader } from '../../support/normaliser-fuzz';

describe('the normaliser under hostile input', function () {
  // A thread that starts compiles the sources, which takes seconds on a busy machine; a pattern may cost some threads.
  this.timeout(600_000);

  it('answers for every one of 20,000 lines, the same each time, in bounded memory', async () => {
    const set = await loadDefinitions();
    const report = await fuzzLines({ set, lines: 20_000, longEach: 9_000, seed: 41, workers: 1 });
    expect(report.problems).to.deep.equal([]);
    expect(report).to.include({ lines: 20_000, longLines: 2, abandonedLines: 0 });
    expect(report.matched, 'many lines still match').to.be.greaterThan(5_000);
    expect(report.rssMiBMost).to.be.lessThan(2_048);
  });

  it('loads mutated definitions, or says what is wrong with them, soon', async () => {
    const report = fuzzLoader(await loadDefinitions(), 400, 42);
    expect(report.problems).to.deep.equal([]);
    expect(report.loaded).to.be.within(1, 399);
    expect(report.msMost).to.be.lessThan(20_000);
  });
});
